"""What the families are under Keras: compiled, fitted, evaluated, with their checks.

Plumbing alone, as in `tfgan.models.base`.
"""

import types

import keras
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.models.batches import InOneLine, checked, dealt


class BothOptimizers:
    """What Keras' callbacks and `summary` find as a model's optimizer, where it has several."""

    built = True

    def __init__(self, optimizers):
        self.optimizers = optimizers

    @property
    def variables(self):
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    @property
    def iterations(self):
        """Steps of the one that has made the most."""
        return tf.reduce_max([each.iterations.value for each in self.optimizers])

    @property
    def learning_rate(self):
        """Refused, to read and to set: no weight is updated at a rate that is set here.

        Raises:
            AttributeError: always; with where the rates are.
        """
        raise AttributeError(
            "each optimizer has its own learning_rate: read or set that of each in "
            "model.optimizer.optimizers"
        )

    @learning_rate.setter
    def learning_rate(self, value):
        return self.learning_rate


class FittedModel(keras.Model):
    """A model with a `train_step` and a `test_step` of its own, for batches that are dicts."""

    # The attributes that hold functional networks, by whose names `__init__` takes them.
    networks = ()
    # The attributes that hold optimizers, by whose names `compile` takes them.
    optimizers = ()

    def __init_subclass__(cls, **kwargs):
        """Leaves the graphs to `compile`.

        That of a class, once traced, would go on with the loss and the optimizers of the first
        compilation, for those who call it by `super()`.
        """
        super().__init_subclass__(**kwargs)
        for name in ("train_step", "test_step"):
            if hasattr(step := cls.__dict__.get(name), "python_function"):
                setattr(cls, name, step.python_function)

    @property
    def batch_spec(self):
        """What a batch must have: a dict from names to `tf.TensorSpec`s, a family's own.

        A tuple has the same in the same order.
        """
        raise NotImplementedError

    def compile(
        self,
        normalize_gradients=False,
        jit_compile=False,
        run_eagerly=False,
        steps_per_execution=1,
        auto_scale_loss=True,
        **others,
    ):
        """Prepares a graph of the training step.

        Args:
            normalize_gradients: divide each optimizer's gradients by their global norm.
            jit_compile: False. XLA leaves out the checks that stop a training where a number is
                not finite or a label is out of range.
            run_eagerly, steps_per_execution: as in `keras.Model.compile`.
            auto_scale_loss: wrap optimizers in a `keras.optimizers.LossScaleOptimizer` where
                networks compute in float16, as `keras.Model.compile` does.
            **others: none; for what Keras has and this has not, to be refused by its name.

        Raises:
            InputError: an argument that is not taken, or a distribution strategy of several
                replicas.
        """
        others = [name for name, value in others.items() if value is not None]
        if others:
            raise InputError(
                f"{type(self).__name__} has its own losses and metrics, and takes "
                f"{' and '.join(self.optimizers)}. Received: {', '.join(others)}"
            )
        if jit_compile not in (False, None, "auto"):
            raise InputError(
                "jit_compile must be False: XLA leaves out the checks of numbers and labels. "
                f"Received: {jit_compile}"
            )
        self._require_one_replica(self.distribute_strategy)
        # Keras would otherwise create an RMSprop that nobody uses.
        super().compile(
            optimizer=None,
            jit_compile=False,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        # Not before it has its optimizers.
        self.compiled = False
        self.normalize_gradients = normalize_gradients
        self.auto_scale_loss = auto_scale_loss
        self._compiled_weights = self._trainable_weights()
        self._make_steps()

    @keras.Model.run_eagerly.setter
    def run_eagerly(self, value):
        keras.Model.run_eagerly.fset(self, value)
        self._make_steps()

    def _make_steps(self):
        """Puts the class's steps, with the checks around them, in their own place.

        As graphs of this compilation: once traced, one goes on with its loss and its optimizers.
        """
        self.train_function = self.test_function = None
        train_step, test_step = (
            types.MethodType(getattr(step, "python_function", step), self)
            for step in (type(self).train_step, type(self).test_step)
        )
        graph = train_step if self.run_eagerly else tf.function(train_step)

        def checked_train_step(batch):
            self._require_compiled_weights()
            self._require_one_replica(tf.distribute.get_strategy())
            try:
                return graph(self._checked(batch, train_step, self.step))
            except Exception as error:
                # While it traces, AutoGraph puts a listing of the code around an error's message.
                if isinstance(error.__context__, InputError):
                    raise InputError(*error.__context__.args) from None
                raise

        if self.run_eagerly:
            self.train_step = InOneLine(checked_train_step)
        else:
            self.train_step = InOneLine(tf.function(checked_train_step, autograph=False))
        self.test_step = InOneLine(lambda batch: test_step(self._checked(batch, test_step)))

    def _checked(self, batch, step_function, step=None):
        """A batch as a step takes it; for a subclass's own step, of whatever structure it is."""
        is_own = not step_function.__module__.startswith("tfgan.")
        return checked(batch, self.batch_spec, step, or_else_as_it_is=is_own)

    def _require_one_replica(self, strategy):
        if strategy.num_replicas_in_sync > 1:
            raise InputError(
                "a model trains on one device: the replicas of a strategy would draw the same "
                f"noise. Received: {type(strategy).__name__} of {strategy.num_replicas_in_sync}"
            )

    def _trainable_weights(self):
        """What tells each trainable weight of the networks apart, and its path.

        Not the weights themselves, nor in a list or a dict: Keras would take them for more of the
        model's.
        """
        return frozenset(
            (id(variable), variable.path)
            for name in self.networks
            for variable in getattr(self, name).trainable_variables
        )

    def _require_compiled_weights(self):
        """Refuses layers that were frozen or thawed since `compile`: it would have no effect."""
        changed = sorted(path for _, path in self._compiled_weights ^ self._trainable_weights())
        if changed:
            raise InputError(
                "what is trainable is settled by compile: call it again. Changed since: "
                f"{', '.join(changed[:3])}{' and more' * (len(changed) > 3)}"
            )

    def _require_constant_rates(self, callbacks):
        """Refuses callbacks that set a learning rate where a schedule does, before the first step.

        Keras would say so when the callback first means to.
        """
        setters = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
        setting = [each for each in keras.tree.flatten(callbacks) if isinstance(each, setters)]
        schedule = keras.optimizers.schedules.LearningRateSchedule
        for name in self.optimizers:
            optimizer = getattr(self, name)
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            if setting and isinstance(inner._learning_rate, schedule):
                raise InputError(
                    f"{type(setting[0]).__name__} needs constant learning rates: call compile with "
                    f"{name}=tfgan.Adam(1e-3) or the like. Received: "
                    f"{type(inner._learning_rate).__name__}"
                )

    def _require_settings_that_can_be_saved(self, callbacks):
        """Refuses to save what no file can hold, before the first epoch."""
        for each in keras.tree.flatten(callbacks):
            if isinstance(each, keras.callbacks.ModelCheckpoint) and not each.save_weights_only:
                self.get_compile_config()

    def set_optimizers(self, **trained):
        """Takes the optimizers, each with the weights that it updates, and builds them.

        Keras' callbacks find them as `optimizer`, or where there are several, as
        `optimizer.optimizers`.

        Args:
            **trained: a pair of an optimizer, or what `keras.optimizers.get` makes one of, and a
                list of variables, by the attribute's name.

        Raises:
            InputError: one optimizer for two purposes or of another model, or one whose averages
                would come to nothing; a weight that it would update twice.
        """
        networks = [getattr(self, name) for name in self.networks]
        is_half = any(layer.compute_dtype == "float16" for net in networks for layer in net.layers)
        updated = {}
        for name, (optimizer, variables) in trained.items():
            if len({*map(id, variables)}) < len(variables):
                raise InputError(
                    f"the networks that {name} updates must have no weight in common. Received: "
                    "one network, or one layer, twice"
                )
            optimizer = keras.optimizers.get(optimizer)
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            if id(inner) in updated:
                raise InputError(
                    f"{' and '.join(trained)} must be two optimizers: each keeps what belongs to "
                    f"its weights. Received: one {type(inner).__name__} for both"
                )
            if inner.use_ema and not inner.ema_overwrite_frequency:
                raise InputError(
                    f"{name} must not have use_ema: the model keeps EMAs of its own, by "
                    "ema_decay. Received: use_ema=True"
                )
            if is_half and self.auto_scale_loss and optimizer is inner:
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            # Built here: an optimizer that is built by its first step restores from nothing.
            optimizer.build(variables)
            if [*map(id, inner._trainable_variables)] != [*map(id, variables)]:
                raise InputError(
                    f"{name} must be a new optimizer. Received: one that was compiled with other "
                    "weights"
                )
            updated[id(inner)] = optimizer
            setattr(self, name, optimizer)
        if len(updated) > 1:
            self.optimizer = BothOptimizers([*updated.values()])
        self.compiled = True

    def make_train_function(self, force=False):
        is_new = force or self.train_function is None
        super().make_train_function(force)
        if is_new:
            self.train_function = InOneLine(self.train_function)

    def make_test_function(self, force=False):
        is_new = force or self.test_function is None
        super().make_test_function(force)
        if is_new:
            self.test_function = InOneLine(self.test_function)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        validation_data=None,
        steps_per_epoch=None,
        validation_steps=None,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Trains, as `keras.Model.fit` does.

        Args:
            x: batches as `train_step` takes them, or as tuples in the order of `batch_spec`; their
                arrays; or an `ImageDataset` or the like.
            y: what comes second in `batch_spec`, where `x` is an array of the first.
            batch_size, epochs, validation_data, steps_per_epoch, validation_steps, **kwargs: as in
                Keras.
            class_weight, sample_weight: None: all images count alike.

        Raises:
            InputError: batches without an end or of another structure, shape, dtype or range;
                weights of classes or samples.
        """
        _require_no_weights(class_weight=class_weight, sample_weight=sample_weight)
        x, steps_per_epoch = dealt(x, steps_per_epoch, "steps_per_epoch")
        validation_data, validation_steps = dealt(
            validation_data, validation_steps, "validation_steps"
        )
        if self.compiled:
            self._require_compiled_weights()
            self._require_constant_rates(kwargs.get("callbacks"))
            self._require_settings_that_can_be_saved(kwargs.get("callbacks"))
        if isinstance(x, (tf.data.Dataset, types.GeneratorType)):
            # It comes in an order of its own, and Keras would say so.
            kwargs["shuffle"] = False
        return super().fit(
            x,
            y,
            batch_size,
            epochs,
            validation_data=validation_data,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            **kwargs,
        )

    def evaluate(
        self, x=None, y=None, batch_size=None, *, sample_weight=None, steps=None, **kwargs
    ):
        """What `test_step` reports of data, as `keras.Model.evaluate` does; data as in `fit`."""
        _require_no_weights(sample_weight=sample_weight)
        x, steps = dealt(x, steps, "steps")
        return super().evaluate(x, y, batch_size, steps=steps, **kwargs)

    def save(self, filepath, *args, **kwargs):
        """Saves all, as `keras.Model.save` does, to a `.keras` file.

        Raises:
            InputError: a file of HDF5, which holds no model of several networks.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise InputError(f"save to a .keras file, or save_weights. Received: {filepath}")
        super().save(filepath, *args, **kwargs)

    def export(self, *args, **kwargs):
        """Refused: Keras' own would export one function, without its range and its checks.

        Raises:
            InputError: always; with what to use.
        """
        raise InputError(
            f"Keras' export does not know what {type(self).__name__} serves: call "
            "tfgan.export_saved_model(model, folder)"
        )


def _require_no_weights(**weights):
    for name, value in weights.items():
        if value is not None:
            raise InputError(f"all images count alike: leave {name} out")
