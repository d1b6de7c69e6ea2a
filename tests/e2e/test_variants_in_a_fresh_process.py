"""Every method's variant, read by a process that knows nothing of how it was made."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FAKES = Path(__file__).parents[1] / "unit" / "compression"

READER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from compression_fakes import ToyArchitecture, logits_of
from emostudio.compression.packing import load_variant
from emostudio.models.catalogue import ARCHITECTURES
ARCHITECTURES.members()["toy"] = ToyArchitecture()
answers = {
    file.stem: logits_of(load_variant(file)).tolist()
    for file in sorted(Path(sys.argv[2]).glob("*.safetensors"))
}
print(json.dumps(answers))
"""


@pytest.fixture
def variants(tmp_path, monkeypatch):
    """Make a variant with every method that leaves the network white-box; return their logits."""
    monkeypatch.syspath_prepend(str(FAKES))
    from compression_fakes import (
        StripeFaces,
        context_for,
        finish,
        logits_of,
        toy_model,
        use_toy_architecture,
    )

    from emostudio.compression.catalogue import METHODS
    from emostudio.compression.packing import save_variant

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    logits = {}
    for key in METHODS.members():
        model = toy_model()
        for name in ("weight_sharing", key) if key == "huffman" else (key,):
            step = METHODS.get(name)
            fields = step.settings_type.model_fields
            wanted = {field: 0 for field in fields if field.endswith("epochs")}
            wanted |= {"rank": 3} if "rank" in fields else {}
            wanted |= {"architecture": "toy"} if "architecture" in fields else {}
            context = context_for(tmp_path / "runs" / key / name, model, StripeFaces())
            model, _ = finish(step.apply(model, step.settings_type(**wanted), context))
        save_variant(model, tmp_path / f"{key}.safetensors")
        logits[key] = logits_of(model)
    yield logits
    torch.set_num_threads(threads)


def test_k1_every_variant_answers_the_same_in_a_fresh_process(variants, tmp_path):
    command = [sys.executable, "-c", READER, str(FAKES), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    assert set(answers) == set(variants)
    for key, expected in variants.items():
        assert torch.allclose(torch.tensor(answers[key]), expected, rtol=0, atol=1e-6), key
