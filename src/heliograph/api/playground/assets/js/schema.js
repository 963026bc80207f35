// What a model's JSON Schema asks of the form: one field for each property. Pure.

const MOST_CHOICES = 8;

/** The modes of a model, each with its fields: `{name, fields, sizes, limits}`. */
export function modesOf(schema) {
  return schema.properties.input.oneOf.map((mode) => ({
    name: mode.properties.mode.const,
    fields: fieldsOf(mode, "input."),
    sizes: mode.sizes_px,
    limits: mode.limits,
  }));
}

/** The fields beside `input`. How the answer comes follows from whether there is an address for it. */
export const outerFieldsOf = (schema) =>
  fieldsOf(schema, "").filter((field) => !["input", "request_type"].includes(field.name));

function fieldsOf(schema, prefix) {
  return Object.entries(schema.properties)
    .filter(([name]) => name !== "mode")
    .map(([name, property]) => ({
      name,
      path: prefix + name,
      required: schema.required?.includes(name) ?? false,
      description: property.description ?? "",
      ...kindOf(name, property, schema),
    }));
}

function kindOf(name, property, { sizes_px: sizes, limits = {} }) {
  const [kind] = (property.anyOf ?? [property]).filter((one) => one.type !== "null");
  const type = [kind.type].flat()[0];
  const initial = property.default ?? null;
  const options = (kind.enum ?? []).filter((one) => one !== null);
  if (options.length && sizes && options.every((one) => one in sizes)) return { kind: "ratio", options, initial };
  if (options.length) return { kind: "choice", options, initial };
  if (type === "array") return { kind: "pictures", least: kind.minItems ?? 0, most: kind.maxItems ?? 1, pattern: kind.items?.pattern, initial: [] };
  if (type === "integer" || type === "number") return { ...numeric(kind), initial };
  if (type === "boolean") return { kind: "switch", initial };
  const most = limits[`max_${name}_characters`];
  return most ? { kind: "text", most, initial: initial ?? "" } : { kind: "line", initial: initial ?? "" };
}

function numeric({ minimum: least = null, maximum: most = null, type }) {
  const few = type === "integer" && least !== null && most !== null && most - least < MOST_CHOICES;
  return { kind: few ? "count" : "number", least, most };
}

/** How many characters the server counts: code points, without the space around them. */
export const length = (text) => [...text.trim()].length;
