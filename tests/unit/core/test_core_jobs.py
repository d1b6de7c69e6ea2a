from emostudio.core.jobs import AblateJob, BenchJob, CompressJob, ExportJob, ImportDataJob, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep

RECIPE = Recipe(steps=(RecipeStep(method="xnor"),))


def test_a_run_is_listed_by_its_name_or_by_what_it_does():
    named = CompressJob(teacher="t", data="faces", recipe=RECIPE, name="small")
    assert named.run_title == "small"
    unnamed = CompressJob(teacher="models/t.safetensors", data="faces", recipe=RECIPE)
    assert unnamed.run_title == "xnor, from t"
    assert AblateJob(teacher="t", data="faces", recipe=RECIPE).run_title == "xnor, taken apart"
    assert TrainJob(architecture="cnn_s", data="faces").run_title == "Train cnn_s"
    assert BenchJob(models=("a", "b")).run_title == "Benchmark, 2 models"
    assert ExportJob(model="t", out="t.onnx").run_title == "Export"
    assert ImportDataJob(path="faces/fer.csv").run_title == "Import fer.csv"


def test_a_job_says_whether_it_keeps_a_run_and_gives_way_to_the_window():
    benched, trained = BenchJob(models=("a",)), TrainJob(architecture="cnn_s", data="faces")
    exported = ExportJob(model="t", out="t.onnx")
    assert (benched.is_run, trained.is_run, exported.is_run) == (True, True, False)
    assert (benched.gives_way, trained.gives_way) == (False, True)
    assert "is_run" not in trained.model_dump()


def test_a_title_says_methods_and_networks_in_words():
    steps = (RecipeStep(method="magnitude_pruning"), RecipeStep(method="weight_sharing"))
    apart = AblateJob(teacher="t", data="faces", recipe=Recipe(steps=steps))
    assert apart.run_title == "magnitude pruning + weight sharing, taken apart"
    titles = {"magnitude_pruning": "Magnitude pruning", "vgg_s_lite": "VGG-S lite"}
    assert apart.titled(titles) == "Magnitude pruning + weight sharing, taken apart"
    assert TrainJob(architecture="vgg_s_lite", data="d").titled(titles) == "Train VGG-S lite"
