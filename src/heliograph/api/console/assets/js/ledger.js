// The statement of a time: the service's CSV read as it comes, and summed up day by day. Millions of lines need no room.

import { statement } from "./service.js";
import { midnight } from "./text.js";

const MOST_SHOWN = 200;

/** `{days, sums, lines, count}` of a period; `lines` are the youngest ones, the youngest first. */
export async function readLedger(query, signal) {
  const answer = await statement(query, signal);
  const ledger = { days: new Map(), sums: { charge: 0, topup: 0, adjust: 0 }, lines: [], count: 0 };
  let names = null;
  for await (const cells of rowsOf(answer.body)) {
    if (names) enter(ledger, Object.fromEntries(names.map((name, index) => [name, cells[index]])));
    else names = cells;
  }
  ledger.lines.reverse();
  return ledger;
}

function enter(ledger, { time, kind, amount, moved, balance, task_id: taskId, note }) {
  const line = { time: Date.parse(time), kind, amount: Number(amount), moved: Number(moved), balance: Number(balance), taskId, note };
  ledger.count += 1;
  ledger.lines.push(line);
  if (ledger.lines.length > MOST_SHOWN) ledger.lines.shift();
  if (kind === "charge") {
    const start = midnight(line.time);
    const day = ledger.days.get(start) ?? { spent: 0, tasks: 0 };
    ledger.days.set(start, { spent: day.spent + line.moved, tasks: day.tasks + 1 });
    ledger.sums.charge += line.moved;
  } else if (kind in ledger.sums) ledger.sums[kind] += line.amount;
}

/** The rows of a CSV file that comes in pieces; a cell in quotes may hold line breaks. */
export async function* rowsOf(stream) {
  let [row, cell, quoted, closing] = [[], "", false, false];
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const letter of part.value) {
      if (closing) {
        closing = false;
        if (letter === '"') {
          cell += letter;
          continue;
        }
        quoted = false;
      }
      if (quoted) {
        if (letter === '"') closing = true;
        else cell += letter;
      } else if (letter === '"') quoted = true;
      else if (letter === ",") cell = (row.push(cell), "");
      else if (letter === "\n") {
        yield [...row, cell];
        [row, cell] = [[], ""];
      } else if (letter !== "\r") cell += letter;
    }
  }
}
