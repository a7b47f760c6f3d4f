"""Metrics: images or features in, a number with its uncertainty and conditions out."""

from tfgan.metrics.card import Measurement, MetricCard
from tfgan.metrics.classes import (
    class_balance,
    classifier_score,
    mode_count,
    within_class_diversity,
)
from tfgan.metrics.duplicates import find_duplicates
from tfgan.metrics.extractors import extractor_for
from tfgan.metrics.frechet import GaussianStatistics, frechet_distance, frechet_error
from tfgan.metrics.geometry import FeatureGeometry, direction_cosine, feature_geometry
from tfgan.metrics.kernel import kernel_distance
from tfgan.metrics.neighbours import (
    density_coverage,
    memorization,
    nearest_pair_distances,
    neighbour_scores,
    precision_recall,
)
from tfgan.metrics.paired import l1, paired_scores, psnr, ssim
from tfgan.metrics.report import Report, measure
from tfgan.metrics.risk import ConfidenceRisk, confidence_risk, probability_better
from tfgan.metrics.translation import (
    TranslationCard,
    TranslationMeasurement,
    TranslationReport,
    measure_domains,
    measure_pairs,
    pair_scores,
)
from tfgan.metrics.uncertainty import (
    Interval,
    frechet_interval,
    half_sample_intervals,
    jackknife_interval,
    mean_interval,
    neighbour_intervals,
)

__all__ = [
    "ConfidenceRisk",
    "FeatureGeometry",
    "GaussianStatistics",
    "Interval",
    "Measurement",
    "MetricCard",
    "Report",
    "TranslationCard",
    "TranslationMeasurement",
    "TranslationReport",
    "class_balance",
    "classifier_score",
    "confidence_risk",
    "density_coverage",
    "direction_cosine",
    "extractor_for",
    "feature_geometry",
    "find_duplicates",
    "frechet_distance",
    "frechet_error",
    "frechet_interval",
    "half_sample_intervals",
    "jackknife_interval",
    "kernel_distance",
    "l1",
    "mean_interval",
    "measure",
    "measure_domains",
    "measure_pairs",
    "memorization",
    "mode_count",
    "nearest_pair_distances",
    "neighbour_intervals",
    "neighbour_scores",
    "pair_scores",
    "paired_scores",
    "precision_recall",
    "probability_better",
    "psnr",
    "ssim",
    "within_class_diversity",
]
