import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.inference.classifier import Classifier, softmax


class _Recorder:
    """A session that answers with fixed outputs and remembers what it was fed."""

    engine = "recorder"
    kernels = "real"

    def __init__(self, outputs=None):
        self.outputs = outputs
        self.batches = []
        self.closed = False

    def run(self, batch):
        self.batches.append(batch.copy())
        if self.outputs is not None:
            return np.repeat(self.outputs[np.newaxis], len(batch), axis=0).astype(np.float32)
        return batch.reshape(len(batch), -1)[:, :3]

    def close(self):
        self.closed = True


def _info(outputs="logits") -> ModelInfo:
    return ModelInfo(
        name="net",
        architecture="test",
        labels=EMOTIONS[:3],
        preprocessing=Preprocessing(height=24, width=24, channels=1, mean=(0.5,), std=(0.25,)),
        outputs=outputs,
    )


def _images(count: int):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, size=(30 + i, 40, 3), dtype=np.uint8) for i in range(count)]


def test_logits_become_probabilities():
    classifier = Classifier(_Recorder(np.array([1.0, 2.0, 3.0])), _info())
    probabilities = classifier.classify(_images(2))
    assert probabilities.shape == (2, 3)
    assert probabilities.dtype == np.float32
    assert probabilities[0] == pytest.approx([0.0900, 0.2447, 0.6652], abs=1e-4)


def test_probabilities_are_not_softened_twice():
    classifier = Classifier(_Recorder(np.array([0.2, 0.3, 0.5])), _info("probabilities"))
    assert classifier.classify(_images(1))[0] == pytest.approx([0.2, 0.3, 0.5])


def test_network_sees_exactly_what_training_sees():
    session, info = _Recorder(np.zeros(3)), _info()
    images = _images(3)
    Classifier(session, info).classify(images)
    pixels = np.stack([to_input_pixels(image, info.preprocessing) for image in images])
    assert np.array_equal(session.batches[0], normalise(pixels, info.preprocessing))


def test_many_pictures_are_fed_in_batches_in_order():
    session = _Recorder()
    pixels = np.random.default_rng(1).integers(0, 256, size=(70, 24, 24, 1), dtype=np.uint8)
    found = Classifier(session, _info()).outputs(pixels)
    assert [len(batch) for batch in session.batches] == [32, 32, 6]
    assert np.array_equal(found, normalise(pixels, _info().preprocessing).reshape(70, -1)[:, :3])


def test_no_pictures_give_no_answers():
    assert Classifier(_Recorder(), _info()).classify([]).shape == (0, 3)


def test_answers_that_do_not_fit_the_labels_are_refused():
    with pytest.raises(EmoStudioError, match="labels do not fit"):
        Classifier(_Recorder(np.zeros(7)), _info()).classify(_images(1))


def test_answers_that_are_no_numbers_are_refused():
    with pytest.raises(EmoStudioError, match="not finite"):
        Classifier(_Recorder(np.array([0, np.nan, 1])), _info()).classify(_images(1))


def test_closing_frees_the_session():
    session = _Recorder()
    Classifier(session, _info()).close()
    assert session.closed


def test_softmax_of_huge_logits_does_not_overflow():
    assert softmax(np.array([[1000.0, 0.0]], dtype=np.float32))[0] == pytest.approx([1, 0])
