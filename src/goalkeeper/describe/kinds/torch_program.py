"""Programs that torch stores: TorchScript and torch.export. They are recognised, and refused."""

from __future__ import annotations

from goalkeeper.core.errors import TargetError
from goalkeeper.describe.kinds._archives import entries
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile


class TorchProgram(FileKind):
    """`model.file` is a program for torch: its operators can reach files, or Python itself."""

    about = "a model of torch in another form (TorchScript and torch.export are refused)"
    advice = (
        "name its state dict in model.weights beside a function model.build that returns the "
        "module, or export it as ONNX: torch.onnx.export(module, x, 'model.onnx')"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look for the code of TorchScript, or the graph of an exported program."""
        return bool(_form(file))

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Refuse it, and say why; nothing in it is run."""
        name = file.path.name
        if _form(file) == "TorchScript":
            raise TargetError(
                f"{name} is TorchScript, which is not loaded: its code cannot reach Python, but it "
                "can call operators that read and write files"
            )
        raise TargetError(
            f"{name} is a torch.export program, which is not loaded: torch evaluates expressions "
            "in it as Python, and may open pickles in it"
        )


def _form(file: ModelFile) -> str:
    inner = {name.partition("/")[2] for name in entries(file)}
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "TorchScript"
    exported = "archive_format" in inner or "serialized_exported_program.json" in (
        inner | set(entries(file))
    )
    return "torch.export" if exported else ""
