// "Try it": sends the request of a form from this page and shows the answer as it came.

const key = document.querySelector("#key");

for (const part of document.querySelectorAll("#key-form, .try")) part.hidden = false;
document.querySelector("#key-form").addEventListener("submit", (event) => event.preventDefault());

for (const form of document.querySelectorAll(".try form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, form.parentElement.querySelector("pre"));
  });
}

async function send(form, output) {
  output.textContent = "…";
  try {
    const answer = await fetch(address(form), request(form));
    const head = `${answer.status} ${answer.statusText}\n${[...answer.headers].map((pair) => pair.join(": ")).join("\n")}`;
    output.textContent = `${head}\n\n${await readable(answer)}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
}

function address(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "query") query.set(input.name, input.value);
    // The slashes of a file's path stay slashes.
    else path = path.replace(`{${input.name}}`, encodeURIComponent(input.value).replaceAll("%2F", "/"));
  }
  return query.size ? `${path}?${query}` : path;
}

function request(form) {
  const headers = {};
  if ("keyed" in form.dataset) headers.Authorization = `Bearer ${key.value.trim()}`;
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { method: form.dataset.method, headers, body };
}

async function readable(answer) {
  const type = answer.headers.get("content-type") ?? "";
  if (type.startsWith("image/")) return `(${(await answer.blob()).size} bytes of ${type})`;
  const text = await answer.text();
  return type.startsWith("application/json") ? JSON.stringify(JSON.parse(text), null, 2) : text;
}
