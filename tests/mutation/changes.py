"""Small changes of a program, each of which some test should notice."""

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}


class Change(NamedTuple):
    """Where something is changed, how, and the program with it."""

    line: int
    what: str
    tree: ast.Module


def changes(source: str) -> Iterator[Change]:
    """Every change of `source`, one at a time."""
    tree = ast.parse(source)
    for number, node in enumerate(_nodes(tree)):
        for changed in _changed(node):
            other = ast.parse(source)
            target = list(_nodes(other))[number]
            other = _Replace(target, changed).visit(other)
            ast.fix_missing_locations(other)
            yield Change(node.lineno, f"{_text(node)}  ->  {_text(changed)}", other)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, changed: ast.AST) -> None:
        self._target = target
        self._changed = changed

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._target:
            return ast.copy_location(self._changed, node)
        return self.generic_visit(node)


def _text(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:90]


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What may be changed: no annotations, nothing that says what a class is, and nothing that asserts."""
    passed_over = {"annotation", "returns", "decorator_list", "type_params"}
    passed_over |= {"keywords"} if isinstance(node, ast.ClassDef) else set()
    for name, value in ast.iter_fields(node):
        if name in passed_over:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Assert) or not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            yield from _nodes(child)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """The forms that one node may take instead."""
    match node:
        case ast.Constant():
            yield from _other_constants(node.value)
        case ast.Compare(ops=[operator]) | ast.BoolOp(op=operator) | ast.BinOp(op=operator):
            if type(operator) in OPERATORS and not _joins_texts(node):
                yield _with_operator(node, OPERATORS[type(operator)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.If() | ast.IfExp() | ast.While():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield _with(node, value=ast.Constant(None))
        case ast.Raise():
            yield ast.Pass()
        case ast.Break() | ast.Continue():
            yield OPERATORS[type(node)]()


def _other_constants(value: object) -> Iterator[ast.Constant]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
        case bytes() if value:
            yield ast.Constant(bytes([value[0] ^ 1]) + value[1:])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _joins_texts(node: ast.AST) -> bool:
    parts = (getattr(node, name, None) for name in ("left", "right"))
    return any(
        isinstance(one, ast.JoinedStr)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in parts
    ) and isinstance(node, ast.BinOp)


def _with_operator(node: ast.AST, operator: ast.AST) -> ast.AST:
    if isinstance(node, ast.Compare):
        return _with(node, ops=[operator])
    return _with(node, op=operator)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other
