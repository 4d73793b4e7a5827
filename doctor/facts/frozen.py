"""Plain immutable types that cost little to declare.

`@dataclass(frozen=True)` writes and compiles six methods for every type, and imports much to do so: for a hundred types that was more than
a quarter of the time doctor took to start. Here the methods are written once, for all types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

__all__ = ["Frozen", "field", "field_names", "is_default", "replace"]


class _MadeAnew:
    """A default of which each object gets one of its own."""

    def __init__(self, *, default_factory: Callable[[], Any]) -> None:
        self.default_factory = default_factory


if TYPE_CHECKING:
    from dataclasses import Field, field, replace

    from typing_extensions import Self, dataclass_transform
else:
    field = _MadeAnew

    def replace(frozen: Any, **changes: Any) -> Any:
        """The object with some of its fields changed, as `dataclasses.replace` gives it."""
        return type(frozen)(**{name: getattr(frozen, name) for name in frozen.__match_args__} | changes)

    def dataclass_transform(**_: Any) -> Callable[[type], type]:
        """What type checkers know a maker of dataclasses by."""
        return lambda kind: kind


class _Fields:
    """Makes a dataclass of a type when somebody asks for its fields: `dataclasses.fields`, `asdict` and their like."""

    def __get__(self, _: Frozen | None, kind: type[Frozen]) -> dict[str, Field[Any]]:
        if kind is Frozen:
            raise AttributeError("__dataclass_fields__")
        import dataclasses

        for name in kind.__annotations__:
            if name in kind._made_anew:
                setattr(kind, name, dataclasses.field(default_factory=kind._made_anew[name].default_factory))
            elif name in kind._defaults:
                setattr(kind, name, kind._defaults[name])
        dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)(kind)
        _without_attributes(kind)
        fields: dict[str, Field[Any]] = vars(kind)["__dataclass_fields__"]
        return fields


def _without_attributes(kind: type[Frozen]) -> None:
    """Take the defaults away from the type itself: a field that an object does not have yet is to be missed."""
    for name in kind.__annotations__:
        if name in vars(kind):
            delattr(kind, name)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Frozen:
    """The base of types like frozen dataclasses: what is annotated in a subclass is a field, with a default or without."""

    __dataclass_fields__: ClassVar[Any]
    __match_args__ = ()
    """The names of the fields."""
    _names: ClassVar[frozenset[str]] = frozenset()
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _made_anew: ClassVar[Mapping[str, _MadeAnew]] = {}
    beside_data: ClassVar[frozenset[str]] = frozenset()
    """The names of fields that no file or document holds: what is known of the object itself, such as where it was read."""

    def __init_subclass__(cls) -> None:
        """Note the fields, after those of the type that is extended."""
        own = cls.__annotations__
        given = {name: vars(cls)[name] for name in own if name in vars(cls)}
        made_anew = {name: each for name, each in given.items() if isinstance(each, _MadeAnew)}
        cls.__match_args__ = (*cls.__match_args__, *own)  # type: ignore[misc, assignment]
        cls._names = frozenset(cls.__match_args__)
        cls._made_anew = {**cls._made_anew, **made_anew}
        cls._defaults = {**cls._defaults, **{name: each for name, each in given.items() if name not in made_anew}}
        cls.__dataclass_fields__ = _Fields()
        _without_attributes(cls)

    def __init__(self, *values: Any, **named: Any) -> None:
        if values:
            named = dict(**dict(zip(self.__match_args__, values, strict=False)), **named)
        own = self.__dict__
        own.update(self._defaults)
        own.update(named)
        for name, default in self._made_anew.items():
            if name not in own:
                own[name] = default.default_factory()
        if own.keys() != self._names or len(values) > len(self._names):
            raise TypeError(f"{type(self).__name__}({', '.join(self.__match_args__)}) was given {', '.join(named)}")

    @classmethod
    def built_later(cls, known: Mapping[str, Any], build: Callable[[str], Mapping[str, Any]]) -> Self:
        """An object of which these fields are `known`; `build` makes any other by its name, when it is first asked for, and may make more."""
        made = cls.__new__(cls)
        made.__dict__.update(known, _build=build)
        return made

    def __getattr__(self, name: str) -> Any:
        if name not in self._names or "_build" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.__dict__.update(self.__dict__["_build"](name))
        return self.__dict__[name]

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), _values(self)

    def __setattr__(self, name: str, _: Any) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in field_names(type(self)))})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))


def is_default(frozen: Frozen, name: str) -> bool:
    """Whether a field is what it would be had it not been given."""
    if name in frozen._made_anew:
        return bool(getattr(frozen, name) == frozen._made_anew[name].default_factory())
    return name in frozen._defaults and bool(getattr(frozen, name) == frozen._defaults[name])


def _values(frozen: Frozen) -> tuple[Any, ...]:
    return tuple([getattr(frozen, name) for name in field_names(type(frozen))])


def field_names(kind: type) -> tuple[str, ...]:
    """The names of the fields of a frozen type or dataclass, in their order; none for any other type."""
    has_fields = issubclass(kind, Frozen) or hasattr(kind, "__dataclass_fields__")
    names: tuple[str, ...] = kind.__match_args__ if has_fields else ()  # type: ignore[attr-defined]
    return names
