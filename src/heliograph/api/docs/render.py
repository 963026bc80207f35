"""The OpenAPI document as HTML: readable without scripts, and by a screen reader."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]

#: Operations that leave the cookie of a session, and those without a key that are about who has it.
SIGN_IN = ("signIn", "followLink")
SIGNED = ("session", "signOut")

REFERENCE = """<section aria-labelledby="overview">
<h1 id="overview">{title} <small>API reference</small></h1>
<p class="lead">{summary}. The same as a document for programs: <a href="/openapi.json">openapi.json</a>.
New here: the <a href="/docs/quickstart">quickstart</a>.</p>
{description}
<p>Base address: <code>{server}</code>. Operations marked <b>key</b> want the header
<code>Authorization: Bearer YOUR_API_KEY</code>; those for who is signed in want the cookie that
<a href="#followLink">a link that signs in</a> leaves in <code>cookies.txt</code>.</p>
<form id="key-form" hidden>
<label for="key">API key for “Try it” (stays in this page and is forgotten with it)</label>
<input id="key" type="password" autocomplete="off" spellcheck="false">
</form>
</section>
{operations}
<section aria-labelledby="types"><h2 id="types">Types</h2>{types}</section>
"""


def render_reference(document: Document) -> str:
    """Everything that `document` says, an OpenAPI document as build_openapi makes it."""
    return REFERENCE.format(
        title=escape(document["info"]["title"]),
        summary=escape(document["info"]["summary"]),
        server=escape(document["servers"][0]["url"]),
        description=_prose(document["info"]["description"]),
        operations="".join(_operation(document, *one) for one in _operations(document)),
        types="".join(_type(*one) for one in document["components"]["schemas"].items()),
    )


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def render_contents(document: Document) -> str:
    """Links to all operations, by what they are about."""
    tags: dict[str, list[str]] = {}
    for _method, _path, operation in _operations(document):
        link = f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
        tags.setdefault(operation["tags"][0], []).append(link)
    groups = "".join(
        f"<li>{escape(tag)}<ul>{''.join(links)}</ul></li>" for tag, links in tags.items()
    )
    return (
        '<ul lang="en"><li><a href="#overview">Overview</a></li>'
        f'{groups}<li><a href="#types">Types</a></li></ul>'
    )


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    name = operation["operationId"]
    key = '<span class="key" title="needs an API key">key</span>' if _keyed(operation) else ""
    return (
        f'<section class="operation" aria-labelledby="{name}"><h2 id="{name}">'
        f"{escape(operation['summary'])}</h2>"
        f'<p class="call"><b class="{method.lower()}">{method}</b> <code>{escape(path)}</code> {key}</p>'
        f"{_prose(operation.get('description', ''))}"
        f"{_parameters(operation)}{_body(document, operation)}"
        f"{_curl(document, method, path, operation)}{_try(method, path, operation)}"
        f"{_responses(operation)}</section>"
    )


def _keyed(operation: Document) -> bool:
    return {"key": []} in operation["security"]


def _parameters(operation: Document) -> str:
    rows = "".join(
        f"<tr><th scope=row><code>{escape(one['name'])}</code></th><td>{one['in']}</td>"
        f"<td>{_schema(one['schema'])}</td><td>{_inline(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
    )
    head = "<tr><th scope=col>Name<th scope=col>In<th scope=col>Type<th scope=col>Meaning</tr>"
    return _table("Parameters", head, rows) if rows else ""


def _body(document: Document, operation: Document) -> str:
    if "requestBody" not in operation:
        return ""
    contents = operation["requestBody"]["content"]
    content = contents.get("application/json")
    if content is None:
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in contents)
        return f"<h3>Body</h3><p>{kinds}</p>"
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    examples = "".join(_example(name, one["value"]) for name, one in content["examples"].items())
    return f"<h3>Body</h3>{_fields(schema)}<h4>Examples</h4>{examples}"


def _type(name: str, schema: Document) -> str:
    return (
        f'<section aria-labelledby="type-{name}"><h3 id="type-{name}">{escape(schema["title"])}</h3>'
        f"{_prose(schema.get('description', ''))}{_fields(schema)}</section>"
    )


def _fields(schema: Document) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><th scope=row><code>{escape(name)}</code></th><td>{_schema(field)}</td>"
        f"<td>{'yes' if name in required else 'no'}</td>"
        f"<td>{_inline(field.get('description', ''))}{_default(field)}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    head = (
        "<tr><th scope=col>Field<th scope=col>Type<th scope=col>Required<th scope=col>Meaning</tr>"
    )
    return _table("Fields", head, rows) if rows else ""


def _table(caption: str, head: str, rows: str) -> str:
    return (
        f'<div class="table" tabindex="0" role="group" aria-label="{caption}"><table>'
        f"<thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )


def _default(field: Document) -> str:
    default = field.get("default")
    return "" if default is None else f" Default: <code>{escape(json.dumps(default))}</code>."


def _schema(schema: Document) -> str:
    """What a value may be, in a few words of HTML."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#type-{name}">{escape(name)}</a>'
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(one))}</code>" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_schema(one) for one in schema["anyOf"])
    kinds = schema.get("type", "anything")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    limits = [
        f"{word} {schema[name]}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("maxItems", "at most"))
        if name in schema
    ]
    return escape(" ".join([kind, *limits]))


def _curl(document: Document, method: str, path: str, operation: Document) -> str:
    query = []
    for one in operation.get("parameters", ()):
        sample = str(one.get("example", f"{{{one['name']}}}"))
        path = path.replace(f"{{{one['name']}}}", sample)
        query += [f"{one['name']}={sample}"] if one["in"] == "query" and one["required"] else []
    address = document["servers"][0]["url"] + path + ("?" + "&".join(query) if query else "")
    lines = [
        f"curl -X {method} {shlex.quote(address)}"
        if method != "GET"
        else f"curl {shlex.quote(address)}"
    ]
    lines += _credentials(document, method, operation)
    for one in operation.get("parameters", ()):
        if one["in"] == "header" and one["required"]:
            lines.append("-H " + shlex.quote(f"{one['name']}: {one['example']}"))
    if _takes_json(operation):
        sample = json.dumps(_first_example(operation), indent=2)
        lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(sample)}"]
    elif "requestBody" in operation:
        lines.append("-F file=@picture.png")
    return f"<h3>Call</h3>{_code(f' {chr(92)}{chr(10)}  '.join(lines))}"


def _credentials(document: Document, method: str, operation: Document) -> Iterator[str]:
    """What tells curl who asks: a key, or the cookie that a sign-in has left in a file."""
    name = operation["operationId"]
    if _keyed(operation):
        yield '-H "Authorization: Bearer YOUR_API_KEY"'
    if name in SIGN_IN:
        yield "-c cookies.txt"
    elif operation["security"] == [{"session": []}] or name in SIGNED:
        yield "-b cookies.txt"
    else:
        return
    if method != "GET" and not _keyed(operation):
        yield f"-H {shlex.quote('Origin: ' + document['servers'][0]['url'])}"
        if name not in SIGN_IN and "requestBody" not in operation:
            yield '-H "Content-Type: application/json"'


def _takes_json(operation: Document) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def _first_example(operation: Document) -> Any:
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    return next(iter(examples.values()))["value"]


def _try(method: str, path: str, operation: Document) -> str:
    """A form that the script shows and sends; without scripts there is none."""
    name = operation["operationId"]
    inputs = "".join(
        f'<label>{escape(one["name"])} <input name="{escape(one["name"])}" data-in="{one["in"]}"'
        f' value="{escape(str(one.get("example", "")))}"></label>'
        for one in operation.get("parameters", ())
        if one["required"]
    )
    if "requestBody" in operation and not _takes_json(operation):
        return ""
    if "requestBody" in operation:
        sample = escape(json.dumps(_first_example(operation), indent=2))
        inputs += f'<label>Body <textarea name="body" rows="12">{sample}</textarea></label>'
    keyed = " data-keyed" if _keyed(operation) else ""
    return (
        f'<details class="try" hidden><summary>Try it</summary>'
        f'<form data-method="{method}" data-path="{escape(path)}"{keyed}>{inputs}'
        f'<button class="button main" aria-describedby="{name}">Send</button></form>'
        f'<pre tabindex="0" role="status" aria-label="Answer"></pre></details>'
    )


def _responses(operation: Document) -> str:
    return "<h3>Answers</h3>" + "".join(
        _response(code, response) for code, response in operation["responses"].items()
    )


def _response(code: str, response: Document) -> str:
    summary = f"<b>{code}</b> {_inline(response['description'])}"
    examples = "".join(
        _example(name, one["value"])
        for content in response.get("content", {}).values()
        for name, one in content.get("examples", {}).items()
    )
    if not examples:
        return f'<p class="answer">{summary}</p>'
    return f'<details class="answer"><summary>{summary}</summary>{examples}</details>'


def _example(name: str, value: Any) -> str:
    return f"<p>{escape(name)}</p>{_code(json.dumps(value, indent=2, ensure_ascii=False))}"


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _prose(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in paragraphs)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
