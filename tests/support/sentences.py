"""The sentences that people are told, found in the source: what errors are made of, as templates.

A string is followed through variables, parameters, small functions and tables as far as it can be
seen. What cannot be seen is a place in the template; what is inserted there from a choice of texts
(`"task" if one else "batch"`) belongs to the place.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

#: The roots of the classes of errors that somebody is told, and where in their arguments the sentence is.
TOLD = {
    "Fault": 0,
    "OperatorError": 0,
    "_Sentence": 0,
    "TaskFault": 1,
    "NotTakenError": 0,  # becomes a PictureRefused in another process
    "Closing": 1,  # a reason that is stored and told later
    "_NotNowError": 0,  # becomes an OperatorError
    "HeliographClientError": 0,
}
#: What is called with a sentence that is told, or becomes part of a told one, in the modules that begin so.
TOLD_IN = {
    "tell": ("cli.",),
    "BadParameter": ("cli.",),
    "ValueError": ("api.", "ledger.money"),
    "_refusal": ("intake.",),
    "Check": ("cli.",),
    "Finding": ("cli.", "providers."),
    "Look": ("providers.",),
    "ModelFault": ("providers.",),
    "Verdict": ("providers.",),
    "_operator": ("providers.",),
    "_alarm": ("providers.",),
}
#: What is called with several of them, or not with the first: the names and positions of these arguments.
ARGUMENTS = {
    "Check": {"what": 0, "found": 2, "remedy": 3},
    "Finding": {"found": 1, "remedy": 2},
    "Look": {"found": 1, "remedy": 2},
    "ModelFault": {"reason": 0, "remedy": 1},
    "Verdict": {"message": 1},
    "_alarm": {"remedy": 2},
}
#: The argument in which each clause, up to a `; `, is a sentence.
CLAUSES = "found"
MOST_STEPS = 9
PLACE = "{}"


@dataclass(frozen=True)
class Place:
    """Where something is inserted; `texts` are those that it is seen to be, perhaps none."""

    texts: tuple["Sentence", ...] = ()


Sentence = tuple[str | Place, ...]
ANYTHING: Sentence = (Place(),)


class Told(NamedTuple):
    """The module in which an error is made, its class, and the sentences that it may have."""

    module: str
    kind: str
    sentences: tuple[Sentence, ...]


@dataclass
class Module:
    name: str
    tree: ast.Module
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.setdefault(node.name, node)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    self.imports[name.asname or name.name] = (node.module, name.name)
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.values[node.targets[0].id] = node.value
            elif (
                isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
            ):
                self.values[node.target.id] = node.value


class Spot(NamedTuple):
    """Where an expression stands: its module, and the function around it."""

    module: Module
    function: ast.FunctionDef | ast.AsyncFunctionDef | None
    steps: int = 0

    def within(self, module: Module, function: ast.AST | None) -> "Spot":
        return Spot(module, function, self.steps + 1)


class Source:
    """All modules of the package in `folder`, but those whose path has one of `without` in it."""

    def __init__(self, folder: Path, without: Iterable[str] = ()) -> None:
        self._prefix = f"{folder.name}."
        self.modules = {
            name: Module(name, ast.parse(path.read_text(encoding="utf-8")))
            for path in sorted(folder.rglob("*.py"))
            if not any(part in path.relative_to(folder).as_posix() for part in without)
            for name in [".".join((folder.name, *path.relative_to(folder).with_suffix("").parts))]
        }

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The names of all classes of errors that are told to somebody."""
        bases = {
            node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
            for module in self.modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
        }
        found = frozenset(TOLD)
        while more := {name for name, of in bases.items() if of & found} - found:
            found |= more
        return found

    @cached_property
    def calls(self) -> dict[str, list[tuple[Spot, ast.Call]]]:
        """All calls, by the last part of the name that is called."""
        found: dict[str, list[tuple[Spot, ast.Call]]] = {}
        for module in self.modules.values():
            for spot, node in _calls_in(module):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                name = node.func.attr if isinstance(node.func, ast.Attribute) else name
                found.setdefault(name, []).append((spot, node))
        return found

    def told(self) -> Iterator[Told]:
        """Every error that is made."""
        for kind in sorted(self.kinds | set(TOLD_IN)):
            for spot, call in self.calls.get(kind, []):
                module = spot.module.name.removeprefix(self._prefix)
                if kind in self.kinds or module.startswith(TOLD_IN[kind]):
                    for name, argument in _messages(kind, call):
                        found = self.read(argument, spot)
                        if name == CLAUSES:
                            found = [clause for one in found for clause in _clauses(one)]
                        yield Told(module, kind, tuple(_after_a_field(one) for one in found))

    def read(self, node: ast.expr, spot: Spot) -> list[Sentence]:  # noqa: C901, PLR0911 - one case a kind
        """The sentences that `node` may be; ANYTHING for what cannot be seen."""
        if spot.steps > MOST_STEPS:
            return [ANYTHING]
        spot = spot._replace(steps=spot.steps + 1)
        match node:
            case ast.Constant(value=str(text)):
                return [(text,)]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=parts):
                return _joined([self._part(part, spot) for part in parts])
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return _joined([self.read(left, spot), self.read(right, spot)])
            case ast.IfExp(body=one, orelse=other):
                return _distinct([*self.read(one, spot), *self.read(other, spot)])
            case ast.BoolOp(values=choices):
                return _distinct(each for choice in choices for each in self.read(choice, spot))
            case ast.Name(id=name):
                return _distinct(self._named(name, spot))
            case ast.Call():
                return _distinct(self._called(node, spot))
            case ast.Subscript(value=table):
                return _distinct(self._looked_up(table, node.slice, spot))
            case ast.GeneratorExp(elt=one) | ast.ListComp(elt=one):
                return self.read(one, spot)
        return [ANYTHING]

    def _part(self, part: ast.expr, spot: Spot) -> list[Sentence]:
        if not isinstance(part, ast.FormattedValue):
            return self.read(part, spot)
        seen = self.read(part.value, spot)
        if len(seen) == 1 and isinstance(part.value, ast.Name):
            only = seen[0]
            if part.value.id in {*spot.module.values, *spot.module.imports} and PLACE not in shown(
                only
            ):
                return [only]
        return [(Place(tuple(text for text in seen if has_words(text))),)]

    def _named(self, name: str, spot: Spot) -> Iterator[Sentence]:
        function = spot.function
        if function is not None:
            found = list(self._assigned(name, function, spot))
            if found:
                yield from found
                return
            if name in _parameters(function):
                yield from self._passed(name, function, spot)
                return
        module, value = self._constant(name, spot.module)
        if value is None:
            yield ANYTHING
        else:
            yield from self.read(value, spot.within(module, None))

    def _constant(self, name: str, module: Module) -> tuple[Module, ast.expr | None]:
        if name in module.values:
            return module, module.values[name]
        origin, theirs = module.imports.get(name, ("", ""))
        if origin in self.modules:
            return self._constant(theirs, self.modules[origin])
        return module, None

    def _assigned(
        self, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, spot: Spot
    ) -> Iterator[Sentence]:
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield from self._from_target(name, target, node.value, spot)
            elif isinstance(node, ast.NamedExpr) and node.target.id == name:
                yield from self.read(node.value, spot)
            elif isinstance(node, ast.comprehension):
                yield from self._from_items(name, node, spot)
            elif isinstance(node, ast.ExceptHandler) and node.name == name:
                yield ANYTHING

    def _from_target(
        self, name: str, target: ast.expr, value: ast.expr, spot: Spot
    ) -> Iterator[Sentence]:
        if isinstance(target, ast.Name) and target.id == name:
            yield from self.read(value, spot)
        elif isinstance(target, ast.Tuple):
            for index, element in enumerate(target.elts):
                if isinstance(element, ast.Name) and element.id == name:
                    for each, there in self._tuples(value, spot):
                        yield from self.read(each.elts[index], there)

    def _from_items(self, name: str, node: ast.comprehension, spot: Spot) -> Iterator[Sentence]:
        """The values of a table that is gone through."""
        match node.target, node.iter:
            case (
                ast.Tuple(elts=[_, ast.Name(id=value)]),
                ast.Call(func=ast.Attribute(value=table, attr="items")),
            ) if value == name:
                yield from self._looked_up(table, table, spot)

    def _tuples(self, node: ast.expr, spot: Spot) -> Iterator[tuple[ast.Tuple, Spot]]:
        """The tuples that `node` may be, as they are written."""
        match node:
            case ast.Tuple():
                yield node, spot
            case ast.Subscript(value=ast.Dict(values=values)):
                for value in values:
                    yield from self._tuples(value, spot)
            case ast.Subscript(value=ast.Name(id=name)):
                module, table = self._constant(name, spot.module)
                for value in table.values if isinstance(table, ast.Dict) else ():
                    yield from self._tuples(value, spot.within(module, None))
            case ast.Call(func=ast.Name(id=name)):
                module, function = self._function(name, spot.module)
                if function is not None and spot.steps < MOST_STEPS:
                    for answer in _returned(function):
                        yield from self._tuples(answer, spot.within(module, function))

    def _function(
        self, name: str, module: Module
    ) -> tuple[Module, ast.FunctionDef | ast.AsyncFunctionDef | None]:
        if name in module.functions:
            return module, module.functions[name]
        origin, theirs = module.imports.get(name, ("", ""))
        if origin in self.modules:
            return self._function(theirs, self.modules[origin])
        return module, None

    def _passed(
        self, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, spot: Spot
    ) -> Iterator[Sentence]:
        """What callers give for the parameter `name`."""
        names = [each for each in _parameters(function) if each not in {"self", "cls"}]
        found = False
        for there, call in self.calls.get(function.name, []):
            if self._function(function.name, there.module)[1] is not function:
                continue
            given = {each.arg: each.value for each in call.keywords}
            given |= dict(zip(names, call.args, strict=False))
            if name in given:
                found = True
                yield from self.read(given[name], there._replace(steps=spot.steps + 1))
        if not found:
            yield ANYTHING

    def _called(self, node: ast.Call, spot: Spot) -> Iterator[Sentence]:  # noqa: C901, PLR0911 - as above
        match node.func:
            case ast.Attribute(
                value=text, attr="replace" | "removeprefix" | "strip" | "rstrip" | "format"
            ):
                yield from self.read(text, spot)
                return
            case ast.Name(id="str") if node.args:
                yield from self.read(node.args[0], spot)
                return
            case ast.Name(id="next") if node.args:
                for choice in node.args:
                    yield from self.read(choice, spot)
                return
            case ast.Attribute(value=between, attr="join") if node.args:
                parts = self.read(node.args[0], spot)
                is_clauses = isinstance(between, ast.Constant) and between.value == "; "
                yield from parts if is_clauses else [(Place(tuple(filter(has_words, parts))),)]
                return
            case ast.Attribute(value=table, attr="get"):
                yield from self._looked_up(table, node.args[0], spot)
                for default in node.args[1:]:
                    yield from self.read(default, spot)
                return
            case ast.Name(id=name):
                module, function = self._function(name, spot.module)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                module, function = spot.module, spot.module.functions.get(name)
            case _:
                yield ANYTHING
                return
        if function is None:
            yield ANYTHING
            return
        for answer in _returned(function):
            yield from self.read(answer, spot.within(module, function))

    def _looked_up(self, table: ast.expr, key: ast.expr, spot: Spot) -> Iterator[Sentence]:
        module = spot.module
        if isinstance(table, ast.Name):
            module, value = self._constant(table.id, module)
            table = value or table
        if not isinstance(table, ast.Dict):
            yield ANYTHING
            return
        for name, value in zip(table.keys, table.values, strict=True):
            seen = isinstance(key, ast.Constant) and isinstance(name, ast.Constant)
            if not seen or name.value == key.value:
                yield from self.read(value, spot.within(module, None))


def shown(sentence: Sentence) -> str:
    """The template: the text, with `{}` where something is inserted."""
    return "".join(part if isinstance(part, str) else PLACE for part in sentence)


def has_words(sentence: Sentence) -> bool:
    """Whether anything in it could be said in another language."""
    return any(isinstance(part, str) and re.search("[A-Za-z]{2}", part) for part in sentence)


def samples(sentence: Sentence, level: int = 0) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Texts as people get them, and what is inserted: marks, and each text that is seen, by turns."""
    yield _filled(sentence, level, {})
    for index, part in enumerate(sentence):
        for text in part.texts if isinstance(part, Place) else ():
            for inner, marks in samples(text, level + 1):
                outer, others = _filled(sentence, level, {index: inner})
                yield outer, (*others, *marks)


def _filled(sentence: Sentence, level: int, texts: dict[int, str]) -> tuple[str, tuple[str, ...]]:
    marks, parts = [], []
    for index, part in enumerate(sentence):
        if isinstance(part, str):
            parts.append(part)
        elif index in texts:
            parts.append(texts[index])
        elif not index or isinstance(sentence[index - 1], str):
            # of two places side by side, the second is for what is seldom there
            marks.append(f"#{level}.{index}#")
            parts.append(marks[-1])
    return "".join(parts), tuple(marks)


def _joined(parts: list[list[Sentence]]) -> list[Sentence]:
    return _distinct(
        tuple(itertools.chain.from_iterable(choice)) for choice in itertools.product(*parts)
    )


def _distinct(found: Iterable[Sentence]) -> list[Sentence]:
    return list(dict.fromkeys(found))


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _returned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _after_a_field(sentence: Sentence) -> Sentence:
    """What is said of a field has no subject where it is written: `must be …`."""
    begins = shown(sentence).startswith("must be ")
    return (Place(), " ", *sentence) if begins else sentence


def _clauses(sentence: Sentence) -> Iterator[Sentence]:
    clause: list[str | Place] = []
    for part in sentence:
        first, *others = part.split("; ") if isinstance(part, str) else [part]
        clause.append(first)
        for other in others:
            yield tuple(clause)
            clause = [other]
    yield tuple(clause)


def _messages(kind: str, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The arguments of an error that are told, with their names if these matter."""
    for name, position in ARGUMENTS.get(kind, {"": TOLD.get(kind, 0)}).items():
        yield from ((name, one) for one in call.args[position : position + 1])
        yield from ((name, one.value) for one in call.keywords if one.arg == name)
    for keyword in call.keywords:
        if keyword.arg == "data" and isinstance(keyword.value, ast.Dict):
            yield from (
                ("", value)
                for name, value in zip(keyword.value.keys, keyword.value.values, strict=True)
                if isinstance(name, ast.Constant) and name.value == "error"
            )


def _calls_in(module: Module) -> Iterator[tuple[Spot, ast.Call]]:
    def walk(node: ast.AST, spot: Spot) -> Iterator[tuple[Spot, ast.Call]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            spot = Spot(module, node)
        if isinstance(node, ast.Call):
            yield spot, node
        for child in ast.iter_child_nodes(node):
            yield from walk(child, spot)

    yield from walk(module.tree, Spot(module, None))
