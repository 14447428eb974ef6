"""A Hugging Face folder: told by its content, loaded without code or network."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from tests.describe.kinds.stored import (
    cut_short,
    described,
    described_images,
    described_texts,
    kind_of,
    labels,
    refused,
    scores,
    small_images,
    without,
)

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

WORDS = (["lunch", "plan", "train"], ["offer", "prize", "click"])
LONGEST = 12  # tokens


def texts(n: int = 120) -> tuple[list[str], Any]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    return [" ".join([*rng.choice(WORDS[c], 4), f"w{i}"]) for i, c in enumerate(y)], y


def tokenizer() -> Any:
    words = [w for group in WORDS for w in group]
    vocabulary = {w: i for i, w in enumerate(["[UNK]", "[PAD]", *words])}
    unknown, padding, *_ = vocabulary
    cutter = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unknown))
    cutter.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    settings = {"unk_token": unknown, "pad_token": padding, "model_max_length": LONGEST}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=cutter, **settings)


@contextmanager
def quiet() -> Iterator[None]:
    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


def text_model(names: tuple[str, ...] | None = ("ham", "spam")) -> Any:
    torch.manual_seed(0)
    more: dict[str, Any] = {} if names is None else {"id2label": dict(enumerate(names))}
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=16, initializer_range=1.0, **more,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config).eval()


def stored_texts(folder: Path, model: Any) -> Path:
    with quiet():
        model.save_pretrained(folder / "m")
        tokenizer().save_pretrained(folder / "m")
    return folder / "m"


class transformers_quiet:
    def __enter__(self) -> None:
        transformers.utils.logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        transformers.utils.logging.enable_progress_bar()


def answers(model: Any, given: Any) -> Any:
    with torch.inference_mode():
        return torch.softmax(model(**given).logits, 1).numpy()


@pytest.mark.parametrize("classes", [("ham", "spam"), ("spam", "ham"), ("HAM", "Spam")])
def test_it_answers_texts_as_the_model_does(classes: tuple[str, ...], tmp_path: Path) -> None:
    model = text_model()
    stored_texts(tmp_path, model)
    path = described_texts(tmp_path, "file: m", *texts(), classes)
    assert check(path) == ()
    app = load(path)
    given = tokenizer()(list(app.data.holdout.x), padding=True, return_tensors="pt")
    expected = answers(model, given)
    order = [0, 1] if classes[0].lower() == "ham" else [1, 0]
    np.testing.assert_allclose(scores(app), expected[:, order], atol=1e-5)
    assert len(set(labels(app))) == 2
    np.testing.assert_array_equal(labels(app), expected[:, order].argmax(axis=1))
    assert app.target.offers is View.SCORES
    assert app.target.artefact() == tmp_path / "m"
    assert "m" in app.hashes
    assert "HF_HUB_OFFLINE" not in os.environ


def test_classes_without_names_are_found_by_number(tmp_path: Path) -> None:
    model = text_model(None)
    stored_texts(tmp_path, model)
    app = load(described_texts(tmp_path, "file: m", *texts(), ("no", "yes")))
    given = tokenizer()(list(app.data.holdout.x), padding=True, return_tensors="pt")
    np.testing.assert_array_equal(labels(app), answers(model, given).argmax(axis=1))


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    stored_texts(tmp_path, text_model())
    written, y = texts()
    long = [text + " plan" * 40 if i % 2 else text for i, text in enumerate(written)]
    app = load(described_texts(tmp_path, "file: m", long, y, ("ham", "spam")))
    assert any(f"more than {LONGEST} tokens" in caveat for caveat in app.caveats)
    app = load(described_texts(tmp_path, "file: m", written, y, ("ham", "spam")))
    assert not any("tokens" in caveat for caveat in app.caveats)


def test_pickled_weights_are_read_as_weights_only(tmp_path: Path) -> None:
    model = text_model()
    folder = stored_texts(tmp_path, model)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    path = described_texts(tmp_path, "file: m", *texts(), ("ham", "spam"))
    app = load(path)
    assert len(set(labels(app))) == 2

    class Bad:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({**model.state_dict(), "bad": Bad()}, folder / "pytorch_model.bin")
    refused(path, "transformers cannot load m: ")
    assert not (tmp_path / "ran").exists()


# ---- images -----------------------------------------------------------------------------------


def stored_images(folder: Path, channels: int = 1, **settings: Any) -> Any:
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=8, patch_size=4, num_channels=channels, initializer_range=1.0,
        id2label={0: "no", 1: "yes"},
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config).eval()
    settings = {"image_mean": [0.4] * channels, "image_std": [0.3] * channels, **settings}
    settings.setdefault("size", {"height": 8, "width": 8})
    with quiet():
        model.save_pretrained(folder / "m")
        transformers.ViTImageProcessor(**settings).save_pretrained(folder / "m")
    return model


def test_it_answers_images_as_the_model_does_and_has_gradients(tmp_path: Path) -> None:
    model = stored_images(tmp_path)
    app = load(described_images(tmp_path, "file: m", *small_images()))
    x = torch.tensor(app.data.holdout.x, dtype=torch.float32, requires_grad=True)
    logits = model(pixel_values=(x - 0.4) / 0.3).logits
    expected = torch.softmax(logits, 1).detach().numpy()
    np.testing.assert_allclose(scores(app), expected, atol=1e-4)
    np.testing.assert_array_equal(labels(app), expected.argmax(axis=1))
    assert len(set(labels(app))) == 2
    assert app.target.offers is View.GRADIENTS
    logits[:, 1].sum().backward()
    given = torch.tensor(app.data.holdout.x, dtype=torch.float32, requires_grad=True)
    network = app.target.network(lambda forward, backward: None)  # type: ignore[attr-defined]
    network(given)[:, 1].sum().backward()
    np.testing.assert_allclose(given.grad.numpy(), x.grad.numpy(), atol=1e-4)


def test_grey_images_are_repeated_and_other_sizes_have_no_gradients(tmp_path: Path) -> None:
    stored_images(tmp_path, 3)
    app = load(described_images(tmp_path, "file: m", *small_images()))
    assert any("channel is repeated" in caveat for caveat in app.caveats)
    assert app.target.offers is View.GRADIENTS
    app = load(described_images(tmp_path, "file: m", *small_images((3, 16, 16), 80)))
    assert app.target.offers is View.SCORES
    assert any("changes the size of the images" in caveat for caveat in app.caveats)


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_in_the_folder_is_refused_and_named(name: str, tmp_path: Path) -> None:
    folder = stored_texts(tmp_path, text_model())
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    settings = json.loads((folder / name).read_text(encoding="utf-8"))
    settings["auto_map"] = {"AutoModelForSequenceClassification": "own.Own"}
    (folder / name).write_text(json.dumps(settings), encoding="utf-8")
    path = described_texts(tmp_path, "file: m", *texts(), ("ham", "spam"))
    error = refused(path, rf"code of its own \(auto_map in {name}: own\.Own\)")
    assert "trust: true" not in str(error)
    assert not (tmp_path / "ran").exists()


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = stored_texts(tmp_path, text_model(("a", "b", "c")))
    path = described_texts(tmp_path, "file: m", *texts(), ("ham", "spam"))
    refused(path, r"knows 3 classes \(a, b, c\), but the application lists 2")
    stored_texts(tmp_path, text_model(("good", "bad")))
    refused(path, r"knows the classes good, bad \(id2label\), but the application lists ham, spam")
    stored_texts(tmp_path, text_model())
    refused(described(tmp_path, "file: m", ("ham", "spam")), "the inputs are rows of a table")
    stored_images(tmp_path)
    refused(described_texts(tmp_path, "file: m", *texts(), ("no", "yes")), "ForSequenceClassif")
    assert folder.is_dir()


def test_weights_that_are_not_there_are_never_drawn_at_random(tmp_path: Path) -> None:
    model = text_model()
    folder = stored_texts(tmp_path, model)
    with quiet():
        model.bert.save_pretrained(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings["architectures"] = ["BertForSequenceClassification"]
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    path = described_texts(tmp_path, "file: m", *texts(), ("ham", "spam"))
    refused(path, r"lacks 2 of the weights of BertForSequenceClassification \(classifier\.bias")
    stored_texts(tmp_path, model)
    cut_short(folder / "model.safetensors")
    refused(path, "transformers cannot load m: ")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_texts(tmp_path, text_model())
    path = described_texts(tmp_path, "file: m", *texts(), ("ham", "spam"))
    without(monkeypatch, "transformers")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[huggingface\]'"):
        load(path)


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    folder = stored_texts(tmp_path, text_model())
    assert kind_of(folder) == ["huggingface_folder"]
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert kind_of(folder) == []
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    assert kind_of(folder) == ["huggingface_folder"]
    (folder / "model.safetensors").unlink()
    assert kind_of(folder) == []
