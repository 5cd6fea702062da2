from datetime import UTC, datetime

from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.document import event_document
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.settings import Project
from jackfield.project.toml_file import TomlFile
from tests.docs.markdown import ROOT, blocks

EXAMPLE = ROOT / "examples" / "my-school"
PIPELINE = EXAMPLE / "pipelines" / "new-student.toml"


def test_the_readme_shows_the_pipeline_of_the_example() -> None:
    [block] = blocks("toml", ROOT / "README.md")
    assert block.text == PIPELINE.read_text(encoding="utf-8")


def test_the_example_is_a_project_that_keeps_its_secrets_to_itself() -> None:
    project = Project.load(EXAMPLE, {"JACKFIELD_SECRET_BIZON_TOKEN": "token"})
    assert list(project.pipeline_files()) == ["new-student"]
    assert (EXAMPLE / ".gitignore").read_text(encoding="utf-8").split() == ["secrets.toml", "var/", ".*.new"]


def test_the_example_sends_what_it_says() -> None:
    loader = PipelineLoader(Registry.load(), Secrets({"BIZON_TOKEN": "token"}))
    pipeline = loader.load("new-student", TomlFile.read(PIPELINE, "new-student.toml"))
    assert pipeline.source is not None
    source = pipeline.source.source
    values = {field.name: field.example for field in source.fields} | {"last_name": ""}
    [event] = source.parse(source.sample(values))
    [step] = pipeline.steps
    options = step.options.render(event_document(pipeline, "run-1", datetime.now(UTC), event))
    assert (options.method, options.url) == ("POST", "https://online.bizon365.ru/api/v1/course/student/add")
    assert options.headers == (("X-Token", "token"),)
    assert options.form == (("email", "anna.petrova@example.ru"), ("username", "Анна "))
