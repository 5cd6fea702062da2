import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from jackfield import Action, Event, OptionsModel, Step, WebhookRequest, WebhookSource, hookimpl
from jackfield.components.host_keys.tables import SOURCE_KEYS, STEP_KEYS
from jackfield.components.plugins.registry import Registry
from jackfield.errors import PluginError


class Words(OptionsModel):
    text: str = ""


class Letter(Action[Words]):
    name = "acme.send_letter"
    title: ClassVar = {"en": "Send a letter", "ru": "Отправить письмо"}
    Options = Words

    async def run(self, options: Words, step: Step) -> JsonValue:
        return [options.text, step.name]


class Order(WebhookSource[Words]):
    name = "acme.order_paid"
    title = "Order paid"
    Options = Words

    def verify(self, request: WebhookRequest) -> None:
        pass

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        return [Event({"body": request.body.decode()})]


class OtherLetter(Letter):
    pass


def shout(text: str) -> str:
    return text.upper()


def plugin(
    *,
    sources: Iterable[Any] | None = None,
    actions: Iterable[Any] | None = None,
    filters: Mapping[Any, Any] | None = None,
    name: str = "acme",
) -> SimpleNamespace:
    hooks = {"register_sources": sources, "register_actions": actions, "register_filters": filters}
    return SimpleNamespace(
        __name__=name,
        **{hook: hookimpl(_answering(answer)) for hook, answer in hooks.items() if answer is not None},
    )


def _answering(answer: object) -> Callable[[], object]:
    def hook() -> object:
        return answer

    return hook


def error_of(*plugins: object) -> str:
    error = Registry.of(*plugins).plugins[0].error
    assert error is not None
    return error


class Site:
    """A folder with installed distributions in it, as pip would leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(self, module: str, text: str, value: str = "") -> None:
        self.modules.append(module)
        (self.folder / f"{module}.py").write_text(dedent(text), encoding="utf-8")
        info = self.folder / f"{module}-1.5.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n", encoding="utf-8")
        entry = f"[jackfield.plugins]\n{module} = {value or module}\n"
        (info / "entry_points.txt").write_text(entry, encoding="utf-8")

    def entry_points(self) -> list[metadata.EntryPoint]:
        found = metadata.distributions(path=[str(self.folder)])
        return [entry for distribution in found for entry in distribution.entry_points]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(tmp_path)
    site = Site(tmp_path)
    yield site
    for module in site.modules:
        sys.modules.pop(module, None)


GOOD = """
    from jackfield import Action, OptionsModel, hookimpl

    class Options(OptionsModel):
        pass

    class Send(Action[Options]):
        name = "{name}"
        title = "Send"
        Options = Options

        async def run(self, options, step):
            return None

    @hookimpl
    def register_actions():
        return [Send]
"""


def test_what_a_plugin_offers_is_found_by_name() -> None:
    registry = Registry.of(plugin(sources=[Order], actions=[Letter], filters={"shout": shout}))

    assert registry.source("acme.order_paid") is Order
    assert registry.action("acme.send_letter") is Letter
    assert registry.filters == {"shout": shout}
    (found,) = registry.plugins
    assert (found.sources, found.actions, found.filters) == ((Order,), (Letter,), {"shout": shout})
    assert found.error is None
    assert found.traceback is None


def test_installed_plugins_are_loaded_with_their_origin(site: Site) -> None:
    site.install("acme_one", GOOD.format(name="one.send"))

    registry = Registry.load(site.entry_points())

    (found,) = registry.plugins
    assert (found.module, found.distribution, found.version) == ("acme_one", "acme-one", "1.5")
    assert str(found) == "acme_one (acme-one 1.5)"
    assert registry.action("one.send").name == "one.send"


def test_plugins_of_the_environment_are_found_without_being_named(site: Site) -> None:
    site.install("acme_two", GOOD.format(name="two.send"))

    registry = Registry.load()

    assert registry.action("two.send").title == "Send"
    assert "jackfield_getcourse" in [found.module for found in registry.plugins]


def test_an_entry_point_may_name_an_object(site: Site) -> None:
    itself = "\n    import sys\n    this = sys.modules[__name__]\n"
    site.install("acme_three", GOOD.format(name="three.send") + itself, value="acme_three:this")

    registry = Registry.load(site.entry_points())

    assert registry.plugins[0].module == "acme_three:this"
    assert registry.action("three.send").name == "three.send"


def test_a_module_with_two_entry_points_is_loaded_once(site: Site) -> None:
    site.install("acme_four", GOOD.format(name="four.send"))

    registry = Registry.load([*site.entry_points(), metadata.EntryPoint("again", "acme_four", "jackfield.plugins")])

    assert [str(found) for found in registry.plugins] == ["acme_four (acme-four 1.5)"]
    assert registry.plugins[0].error is None


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("class Panic(BaseException): pass\nraise Panic('at the disco')", "Panic: at the disco"),
        ("def broken(:", "SyntaxError: invalid syntax"),
    ],
)
def test_a_plugin_that_cannot_be_imported_stops_nothing(site: Site, statement: str, reason: str) -> None:
    site.install("acme_broken", statement)
    site.install("acme_whole", GOOD.format(name="whole.send"))

    registry = Registry.load(site.entry_points())

    broken, whole = registry.plugins
    assert broken.error is not None
    assert broken.error.startswith(f"cannot be imported: {reason}")
    assert broken.traceback is not None
    assert reason.partition(":")[0] in broken.traceback
    assert whole.error is None
    assert registry.action("whole.send")


def test_the_operator_can_still_interrupt_a_plugin(site: Site) -> None:
    site.install("acme_slow", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        Registry.load(site.entry_points())


def test_an_entry_point_to_nothing_is_told() -> None:
    registry = Registry.load([metadata.EntryPoint("x", "jackfield_no_such", "jackfield.plugins")])

    assert "No module named 'jackfield_no_such'" in str(registry.plugins[0].error)


def test_a_plugin_without_hooks_is_told() -> None:
    assert "implements none of Jackfield's hooks" in error_of(SimpleNamespace(__name__="empty"))


def test_a_hook_that_does_not_exist_is_told() -> None:
    wrong = SimpleNamespace(__name__="acme", register_action=hookimpl(_answering([])))

    assert "unknown hook 'register_action'" in error_of(wrong)


def test_a_hook_with_arguments_is_told() -> None:
    def register_actions(manager: object) -> list[object]:
        return [manager]

    error = error_of(SimpleNamespace(__name__="acme", register_actions=hookimpl(register_actions)))

    assert "register_actions" in error
    assert "manager" in error


def test_a_hook_that_raises_leaves_the_others() -> None:
    def register_actions() -> list[object]:
        raise OSError("the licence server is away")

    broken = plugin(sources=[Order])
    broken.register_actions = hookimpl(register_actions)

    registry = Registry.of(broken)

    assert registry.plugins[0].error == "register_actions() failed: OSError: the licence server is away"
    assert "in register_actions" in str(registry.plugins[0].traceback)
    assert registry.source("acme.order_paid") is Order


def test_a_hook_that_returns_no_list_is_told() -> None:
    one_class: Any = Letter

    assert error_of(plugin(actions=one_class)).startswith("register_actions() failed: TypeError")


def test_a_class_that_cannot_be_used_leaves_the_others() -> None:
    class Nameless(Letter):
        name = "Send Letter"

    registry = Registry.of(plugin(actions=[Nameless, Letter]))

    assert registry.plugins[0].actions == (Letter,)
    assert "Nameless has 'Send Letter' for its name" in str(registry.plugins[0].error)


def with_options(model: type[BaseModel]) -> type:
    return type("Odd", (Letter,), {"Options": model})


def test_every_mistake_in_a_class_is_told() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow", frozen=True)
        when: str = ""

    half = type("Half", (WebhookSource,), {"name": "x..y", "title": "", "Options": Open})

    assert error_of(plugin(sources=[half])).split("; ") == [
        "Half does not implement parse, verify",
        "Half has 'x..y' for its name",
        'write small words joined by dots, like "acme.send_letter"',
        "Half has no title",
        'write title = "..." or {"en": "...", "ru": "..."}',
        "Half has Options that can be changed or take unknown keys",
        "make it a plain subclass of OptionsModel",
    ]


@pytest.mark.parametrize("thing", [Order, Letter(None), "acme.send_letter", 7, None])  # type: ignore[arg-type]
def test_what_is_no_action_class_is_refused(thing: object) -> None:
    assert "is not a subclass of Action" in error_of(plugin(actions=[thing]))


def test_a_class_without_options_is_refused() -> None:
    assert "has no Options" in error_of(plugin(actions=[with_options(dict)]))  # type: ignore[arg-type]


def test_options_that_can_be_changed_are_refused() -> None:
    class Mutable(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert "can be changed" in error_of(plugin(actions=[with_options(Mutable)]))


@pytest.mark.parametrize("key", sorted(STEP_KEYS))
def test_an_action_may_not_have_an_option_of_the_host(key: str) -> None:
    model = type("Model", (OptionsModel,), {"__annotations__": {key: str}, key: ""})

    assert f"options that belong to the host: {key}" in error_of(plugin(actions=[with_options(model)]))


@pytest.mark.parametrize("key", sorted(SOURCE_KEYS))
def test_a_source_may_not_have_an_option_of_the_host(key: str) -> None:
    model = type("Model", (OptionsModel,), {"__annotations__": {key: str}, key: ""})
    source = type("Odd", (Order,), {"Options": model})

    assert f"options that belong to the host: {key}" in error_of(plugin(sources=[source]))


def test_options_without_a_schema_are_refused_and_leave_the_others() -> None:
    class Opaque(OptionsModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        site: Site | None = None

    registry = Registry.of(plugin(actions=[with_options(Opaque), Letter]))

    assert "Odd cannot be used: PydanticInvalidForJsonSchema" in str(registry.plugins[0].error)
    assert registry.action("acme.send_letter") is Letter


def test_an_alias_does_not_hide_an_option_of_the_host() -> None:
    class Aliased(OptionsModel):
        seconds: int = Field(default=1, alias="timeout")

    assert "belong to the host: timeout" in error_of(plugin(actions=[with_options(Aliased)]))


@pytest.mark.parametrize(
    ("name", "function", "mistake"),
    [
        ("upper", shout, "is one of Jinja's own"),
        ("my filter", shout, "has no name that a template can use"),
        (7, shout, "has no name that a template can use"),
        ("shout", "shout", "is not a function"),
    ],
)
def test_a_filter_that_cannot_be_used_leaves_the_others(name: object, function: object, mistake: str) -> None:
    registry = Registry.of(plugin(filters={name: function, "good": shout}))

    assert mistake in str(registry.plugins[0].error)
    assert registry.filters == {"good": shout}


def test_a_name_that_two_plugins_offer_is_nobodys() -> None:
    registry = Registry.of(
        plugin(name="acme", actions=[Letter], sources=[Order]), plugin(name="rival", actions=[OtherLetter])
    )
    dispute = 'action "acme.send_letter" is offered by acme and by rival; uninstall all but one of them'

    with pytest.raises(PluginError) as caught:
        registry.action("acme.send_letter")

    assert str(caught.value) == dispute
    assert [found.error for found in registry.plugins] == [dispute, dispute]
    assert registry.source("acme.order_paid") is Order


def test_filters_are_disputed_as_well() -> None:
    registry = Registry.of(plugin(name="a", filters={"f": shout}), plugin(name="b", filters={"f": str.lower}))

    assert registry.filters == {}
    assert 'filter "f" is offered by a and by b' in str(registry.plugins[0].error)


def test_a_name_that_one_plugin_offers_for_two_classes_is_told() -> None:
    assert error_of(plugin(actions=[Letter, OtherLetter])) == 'action "acme.send_letter" is offered twice by acme'


def test_one_class_that_is_offered_again_is_no_dispute() -> None:
    registry = Registry.of(plugin(name="a", actions=[Letter, Letter]), plugin(name="b", actions=[Letter]))

    assert registry.action("acme.send_letter") is Letter
    assert [found.error for found in registry.plugins] == [None, None]


def test_an_unknown_name_is_answered_with_the_closest_one() -> None:
    registry = Registry.of(plugin(sources=[Order], actions=[Letter]))

    with pytest.raises(PluginError, match=r'there is no action "acme.send_leter"; did you mean "acme.send_letter"\?'):
        registry.action("acme.send_leter")
    with pytest.raises(PluginError, match=r'there is no source "acme.order"; did you mean "acme.order_paid"\?'):
        registry.source("acme.order")


def test_a_name_that_a_broken_plugin_may_offer_is_answered_with_what_is_wrong(site: Site) -> None:
    site.install("acme_letters", "import no_such_module")
    registry = Registry.load(site.entry_points())

    with pytest.raises(PluginError) as caught:
        registry.action("acme.send_letter")

    assert str(caught.value) == (
        'there is no action "acme.send_letter"; plugin acme_letters (acme-letters 1.5) '
        "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_a_broken_plugin_of_another_name_is_pointed_to(site: Site) -> None:
    site.install("acme_post", "import no_such_module")
    registry = Registry.load(site.entry_points())

    with pytest.raises(PluginError, match="some plugins are broken, see `jackfield plugins`"):
        registry.action("crm.add")
