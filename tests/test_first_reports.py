"""A user's first report of a model of their own, by every way in.

Each application file is as short as it can be. Its first version has three mistakes, which one
`check` reports at once; the second is usable, fits, and a small run gives a report.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import goalkeeper as gk
from goalkeeper.cli.exits import Exit
from tests.cli.inline import inline
from tests.describe.given import N, frame, halves, rows, texts

FILE = """\
goalkeeper: 1
name: First report
classes: {classes}
data: {{train: train.csv, test: test.csv, label: {label}{data}}}
model: {model}
needs:
  integrity: {{tasks: {{level: normal, reason: A wrong answer costs an hour.}}}}
  availability: {{none: Nobody waits for it.}}
  confidentiality: {{none: The model is published.}}
  privacy: {{laws: {{level: high{reason}}}}}
attackers: [customer]
"""
RUN = ("--effort", "0.25", "--attack", "loss_threshold", "--attack", "malformed_inputs",
       "--executor", "inline", "--no-store")  # fmt: skip


def numbers(folder: Path) -> tuple[Any, Any]:
    """Write rows with the classes no and yes as CSV files, and return them."""
    x, y = rows()
    for name, part in (("train", slice(None, N)), ("test", slice(N, None))):
        lines = [",".join([*(f"{v!r}" for v in map(float, r)), c]) for r, c in
                 zip(x[part], y[part], strict=True)]  # fmt: skip
        (folder / f"{name}.csv").write_text("\n".join(["a,b,c,decision", *lines]) + "\n")
    return x[:N], y[:N]


def joblib_file(folder: Path) -> dict[str, str]:
    joblib.dump(LogisticRegression().fit(*numbers(folder)), folder / "m.joblib")
    return {"model": "{file: m.joblib}", "wrong": "{file: n.joblib}"}


def onnx_file(folder: Path) -> dict[str, str]:
    skl2onnx = pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    x, y = numbers(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter
        graph = skl2onnx.to_onnx(
            LogisticRegression().fit(x, y == "yes"),
            x[:1].astype(np.float32),
            options={"zipmap": False},
        )
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    return {"model": "{file: m.onnx}", "wrong": "{file: n.onnx}"}


def xgboost_file(folder: Path) -> dict[str, str]:
    xgboost = pytest.importorskip("xgboost")
    x, y = numbers(folder)
    data = xgboost.DMatrix(x, (y == "yes").astype(int))
    xgboost.train({"objective": "binary:logistic"}, data, 8).save_model(folder / "m.json")
    return {"model": "{file: m.json}", "wrong": "{file: n.json}"}


def torch_weights(folder: Path) -> dict[str, str]:
    torch = pytest.importorskip("torch")
    x, y = numbers(folder)
    model = LogisticRegression().fit(x, y)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    with torch.no_grad():
        weights = torch.tensor(np.concatenate([-model.coef_, model.coef_]) / 2)
        network[0].weight.copy_(weights)
        network[0].bias.zero_()
    torch.save(network.state_dict(), folder / "weights.pt")
    (folder / "net.py").write_text(
        "import torch\n\ndef build():\n    return torch.nn.Sequential(torch.nn.Linear(3, 2))\n"
    )
    return {
        "model": "{build: net.py:build, weights: weights.pt}",
        "wrong": "{build: net.py:build, weights: wieghts.pt}",
    }


def mails(folder: Path) -> None:
    x, y = texts()
    for name, part in (("train", slice(None, N)), ("test", slice(N, None))):
        lines = [f"{text},{label}" for text, label in zip(x[part], y[part], strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["mail,decision", *lines]) + "\n")


def huggingface_folder(folder: Path) -> dict[str, str]:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    mails(folder)
    words = ["[UNK]", "[PAD]", "lunch", "plan", "train", "offer", "prize", "click"]
    vocabulary = {word: i for i, word in enumerate(words)}
    cutter = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, words[0]))
    cutter.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    settings = {"unk_token": words[0], "pad_token": words[1], "model_max_length": 8}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=cutter, **settings)
    torch.manual_seed(0)
    network = transformers.DistilBertForSequenceClassification(
        transformers.DistilBertConfig(
            vocab_size=8,
            dim=8,
            n_layers=1,
            n_heads=1,
            hidden_dim=16,
            max_position_embeddings=16,
            id2label={0: "ham", 1: "spam"},
        )
    )
    x, y = texts()
    given = tokenizer(x[:N], padding=True, truncation=True, return_tensors="pt")
    known = {name: given[name] for name in ("input_ids", "attention_mask")}
    labels = torch.tensor([label == "spam" for label in y[:N]], dtype=torch.int64)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(30):
        optimiser.zero_grad()
        network(**known, labels=labels).loss.backward()
        optimiser.step()
    transformers.utils.logging.disable_progress_bar()
    network.eval().save_pretrained(folder / "m")
    tokenizer.save_pretrained(folder / "m")
    transformers.utils.logging.enable_progress_bar()
    return {
        "model": "{file: m}", "wrong": "{file: n}", "classes": "[ham, spam]", "data": ", text: mail"
    }  # fmt: skip


@pytest.mark.parametrize(
    "prepare", [joblib_file, onnx_file, xgboost_file, torch_weights, huggingface_folder]
)
def test_a_first_report_from_a_stored_model(
    prepare: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    made = {"classes": "[no, yes]", "data": "", **prepare(tmp_path)}
    wrong = made.pop("wrong")
    path = tmp_path / "application.yaml"

    path.write_text(FILE.format(**{**made, "model": wrong}, label="decison", reason=""))
    checked = inline("check", "application.yaml", cwd=tmp_path)
    assert checked.code == Exit.USAGE
    for words in (
        "data.label: train.csv has no column decison", "did you mean decision?",
        "needs.privacy.laws.reason: this key is missing",
        f"does not exist\n  expected: a file at {wrong.split()[-1].rstrip('}')}",
    ):  # fmt: skip
        assert words in checked.err.replace("    expected", "  expected"), checked.err

    reason = ", reason: Records are about people."
    path.write_text(FILE.format(**made, label="decision", reason=reason))
    checked = inline("check", "application.yaml", "--json", cwd=tmp_path)
    found = json.loads(checked.out)
    assert found["usable"], found["problems"]
    assert found["fit"] == "fit"
    assert found["accuracy"]["holdout"]["value"] > 0.7
    report_of(path)


def report_of(path: Path) -> None:
    """Run two attacks, and require a report with a verdict for each goal."""
    folder = path.parent / "run"
    done = inline("run", path, "-o", folder, *RUN)
    assert done.code in (Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE), done.err
    assert "Integrity" in (folder / "report.html").read_text()
    assert set(gk.Assessment.from_folder(folder).goals) == set(gk.Goal)


def test_a_first_report_of_a_service(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    from goalkeeper.examples.serving import ServedExample, make_server, serve, write_served

    with make_server(0) as server:
        port = int(server.server_address[1])
        folder = tmp_path / "served"
        example = ServedExample(write_served("spam-filter", folder, port, size=400), {})
        thread = threading.Thread(target=serve, args=(server, example))
        thread.start()
        try:
            path = folder / "application.yaml"
            right = path.read_text()
            wrong = right.replace("label: label", "label: lable").replace("reason:", "raeson:", 1)
            wrong = wrong.replace("test: test.csv", "test: tset.csv")
            path.write_text(wrong)
            checked = inline("check", path)
            assert checked.code == Exit.USAGE
            for words in ("tset.csv", "did you mean test.csv?", "did you mean reason?"):
                assert words in checked.err, checked.err
            path.write_text(right)
            found = json.loads(inline("check", path, "--json").out)
            assert found["usable"], found["problems"]
            assert found["fit"] == "fit"
            report_of(path)
        finally:
            server.shutdown()
            thread.join()


def test_a_first_report_from_python(tmp_path: Path) -> None:
    x, y = frame()
    model = LogisticRegression()
    x = x[["income", "age"]]
    with pytest.raises(gk.GoalkeeperError) as error:
        gk.assess_model(
            model, *halves(x, y),
            sensitive="sex", attackers=["custmer"], needs={"privacy": "hihg"},
        )  # fmt: skip
    said = str(error.value)
    assert "sensitive: X_train has no column sex" in said
    assert "did you mean customer?" in said
    assert "did you mean high?" in said
    found = gk.assess_model(
        model, *halves(x, y), needs={"privacy": "high"}, attackers=["customer"],
        attacks=("loss_threshold", "malformed_inputs"), effort=0.25, folder=tmp_path / "run",
    )  # fmt: skip
    assert set(found.goals) == set(gk.Goal)
    assert found.fit is not None
    assert found.fit.fit == "fit"
    assert (tmp_path / "run" / "report.html").is_file()
