// The request as programs: each is whole, runs as it stands, and reads the key from its environment. Pure.

const LITERALS = { null: "None", true: "True", false: "False" };

export const LANGUAGES = [
  { id: "curl", title: "curl", write: curl, omits: [] },
  { id: "sdk", title: "Python SDK", write: sdk, omits: ["source"] },
  { id: "python", title: "Python", write: python, omits: [] },
  { id: "javascript", title: "JavaScript", write: javascript, omits: [] },
  { id: "cli", title: "CLI", write: cli, omits: ["source", "callback_url", "retention_hours"] },
  { id: "openai", title: "OpenAI SDK", write: openai, omits: ["source", "callback_url", "retention_hours"] },
];

/** The fields of `body` that this program cannot send. */
export const omitted = (language, body) => language.omits.filter((name) => name in body);

const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
const pretty = (value) => JSON.stringify(value, null, 2);

/** A value as Python writes it; its strings are those of JSON. */
function literal(value, indent = 0) {
  const [inner, outer] = [" ".repeat(indent + 4), " ".repeat(indent)];
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return LITERALS[value] ?? String(value);
  const lines = Array.isArray(value)
    ? value.map((one) => literal(one, indent + 4))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, indent + 4)}`);
  const [left, right] = Array.isArray(value) ? "[]" : "{}";
  return lines.length ? `${left}\n${lines.map((line) => `${inner}${line},\n`).join("")}${outer}${right}` : left + right;
}

/** `name=value` for each that there is. */
const named = (pairs) => pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");

function curl({ origin, model, body }) {
  return `task=$(curl -sS ${quoted(`${origin}/api/v1/generateTask/${model}`)} \\
  -H "Authorization: Bearer $HELIOGRAPH_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d ${quoted(pretty(body))} \\
  | tee /dev/stderr | sed -n 's/.*"taskId":"\\([0-9a-f]*\\)".*/\\1/p')

# answers when the task has ended, or after a minute: then ask again
curl -sS "${origin}/api/v1/statusTask/${model}?taskId=$task&wait=60" \\
  -H "Authorization: Bearer $HELIOGRAPH_API_KEY"
`;
}

function sdk({ origin, model, body }) {
  const { prompt, mode, image_urls: images, ...input } = body.input;
  const options = named([
    ["images", mode === "text-to-image" ? null : images],
    ...Object.entries(input),
    ["callback_url", body.callback_url],
    ["retention_hours", body.retention_hours],
    ["model", model],
  ]);
  const lines = options.map(([name, value]) => `        ${name}=${literal(value, 8)},\n`).join("");
  return `from heliograph_client import Client

with Client(base_url=${JSON.stringify(origin)}) as client:
    result = client.generate(
        ${JSON.stringify(prompt ?? "")},
${lines}    )
    for number, image in enumerate(result.images, start=1):
        print(image.save(f"picture-{number}"))
`;
}

function python({ origin, model, body }) {
  return `import json
import os
import urllib.request

BASE = ${JSON.stringify(origin)}
HEADERS = {
    "Authorization": "Bearer " + os.environ["HELIOGRAPH_API_KEY"],
    "Content-Type": "application/json",
}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, HEADERS)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["data"]


request = ${literal(body)}
task_id = call("/api/v1/generateTask/${model}", request)["taskId"]
task = {"state": "pending"}
while task["state"] not in ("success", "failed"):
    task = call(f"/api/v1/statusTask/${model}?taskId={task_id}&wait=30")

if task["state"] == "failed":
    raise SystemExit(task["failCode"] + ": " + task["failMsg"])
for url in json.loads(task["resultJson"])["resultUrls"]:
    print(url)
`;
}

function javascript({ origin, model, body }) {
  return `const base = ${JSON.stringify(origin)};
const headers = {
  Authorization: \`Bearer \${process.env.HELIOGRAPH_API_KEY}\`,
  "Content-Type": "application/json",
};

async function call(path, body) {
  const options = body ? { method: "POST", body: JSON.stringify(body), headers } : { headers };
  const answer = await (await fetch(base + path, options)).json();
  if (answer.code !== 200) throw new Error(answer.message);
  return answer.data;
}

const { taskId } = await call("/api/v1/generateTask/${model}", ${pretty(body)});

let task;
do {
  task = await call(\`/api/v1/statusTask/${model}?taskId=\${taskId}&wait=30\`);
} while (task.state === "pending" || task.state === "processing");

if (task.state === "failed") throw new Error(\`\${task.failCode}: \${task.failMsg}\`);
console.log(JSON.parse(task.resultJson).resultUrls.join("\\n"));
`;
}

function cli({ origin, model, body }) {
  const { prompt, mode, image_urls: images, aspect_ratio: ratio, num_images: count, negative_prompt: negative } = body.input;
  const options = named([
    ["--ratio", ratio],
    ["--count", count],
    ["--negative", negative],
    ...(mode === "text-to-image" ? [] : (images ?? []).map((url) => ["--image", url])),
    ["--model", model],
  ]);
  return `export HELIOGRAPH_BASE_URL=${quoted(origin)}
heliograph generate \\
${options.map(([name, value]) => `  ${name} ${quoted(value)} \\\n`).join("")}  -- ${quoted(prompt ?? "")}
`;
}

function openai({ origin, model, body, size }) {
  const { prompt, mode, image_urls: images, num_images: count, negative_prompt: negative } = body.input;
  const edits = mode !== "text-to-image";
  const options = named([
    ["image", edits && "images"],
    ["prompt", JSON.stringify(prompt ?? "")],
    ["n", count],
    ["size", size && JSON.stringify(size.join("x"))],
    ["extra_body", negative && literal({ negative_prompt: negative }, 4)],
    ["model", JSON.stringify(model)],
  ]).filter(([, value]) => value !== false);
  const read = `images = [
    (f"reference-{number}", urllib.request.urlopen(url).read())
    for number, url in enumerate(${literal(images ?? [], 4)})
]
`;
  return `import os
${edits ? "import urllib.request\n" : ""}
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["HELIOGRAPH_API_KEY"])
${edits ? read : ""}made = client.images.${edits ? "edit" : "generate"}(
${options.map(([name, value]) => `    ${name}=${value},\n`).join("")})
for image in made.data:
    print(image.url)
`;
}
