from emostudio.core.jobs import AblateJob, BenchJob, CompressJob, ExportJob, TrainJob, job_title
from emostudio.core.recipe import Recipe, RecipeStep

RECIPE = Recipe(steps=(RecipeStep(method="xnor"),))


def test_a_run_is_listed_by_its_name_or_by_what_it_does():
    named = CompressJob(teacher="t", data="faces", recipe=RECIPE, name="small")
    assert job_title(named) == "small"
    unnamed = CompressJob(teacher="models/t.safetensors", data="faces", recipe=RECIPE)
    assert job_title(unnamed) == "xnor, from t"
    assert job_title(AblateJob(teacher="t", data="faces", recipe=RECIPE)) == "xnor, taken apart"
    assert job_title(TrainJob(architecture="cnn_s", data="faces")) == "Train cnn_s"
    assert job_title(BenchJob(models=("a", "b"))) == "Benchmark, 2 models"
    assert job_title(ExportJob(model="t", out="t.onnx")) == "Export"
