// --- The model: this file holds it, and what runs it. ---
const PIECE = 9;
async function unpacked(id) {
  const text = atob($(id).textContent), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
async function opened() {
  const [script, binary, generator] = await Promise.all(["script", "binary", "generator"].map(unpacked));
  const ort = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  // A file has no threads: they need a server's headers.
  Object.assign(ort.env.wasm, { wasmBinary: binary, numThreads: 1 });
  return [ort.Tensor, await ort.InferenceSession.create(new Uint8Array(generator))];
}
let opening;
async function described() {
  say("Opening the model …");
  opening = opened();
  await opening;
  say("");
  return JSON.parse($("model").textContent);
}
async function draw(latents) {
  const [Tensor, session] = await opening, { width, height, channels, latent_dim } = model;
  const labels = model.condition && [condition()].flat();
  const strip = new ImageData(width, height * latents.length);
  for (let start = 0; start < latents.length; start += PIECE) {
    // The image itself need not wait for a whole map.
    if (start) await new Promise(done => setTimeout(done));
    const piece = latents.slice(start, start + PIECE), num = piece.length;
    const inputs = { latents: new Tensor("float32", Float32Array.from(piece.flat()), [num, latent_dim]) };
    if (labels) inputs.labels = new Tensor("int32", Int32Array.from(piece.flatMap(() => labels)),
                                           model.condition.is_list ? [num, labels.length] : [num]);
    const { data } = (await session.run(inputs)).images;
    for (let from = 0, to = 4 * start * height * width; from < data.length; from += channels, to += 4) {
      // Gray, color, and either with transparency.
      for (let i = 0; i < 3; i++) strip.data[to + i] = 255 * data[from + (channels < 3 ? 0 : i)];
      strip.data[to + 3] = channels % 2 ? 255 : 255 * data[from + channels - 1];
    }
  }
  return createImageBitmap(strip, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
}

// --- The latents of seeds, as tfgan/noise.py makes them: SplitMix64, then Box-Muller. ---
const INCREMENT = 0x9E3779B97F4A7C15n;
const bits64 = number => BigInt.asUintN(64, number);
function mixed(bits) {
  bits = bits64((bits ^ bits >> 30n) * 0xBF58476D1CE4E5B9n);
  bits = bits64((bits ^ bits >> 27n) * 0x94D049BB133111EBn);
  return bits ^ bits >> 31n;
}
async function latentOf(seed) {
  const stream = mixed(bits64(BigInt(seed) + INCREMENT)), cosines = [], sines = [];
  for (let pair = 1n; 2 * cosines.length < model.latent_dim; pair++) {
    const bits = mixed(bits64(stream + pair * INCREMENT));
    const radius = Math.sqrt(-2 * Math.log(1 - Number(bits >> 40n) / 2 ** 24));
    const angle = 2 * Math.PI * Number(bits & 0xFFFFFFn) / 2 ** 24;
    cosines.push(radius * Math.cos(angle));
    sines.push(radius * Math.sin(angle));
  }
  return [...cosines, ...sines].slice(0, model.latent_dim).map(Math.fround);
}
