// The prompt as the model saw it, put together again from the parts that a request names.

const OUTPUTS = new Set(["reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted", "generic"]);
const FIXED = new Set(["instructions", "tools"]);

const partsOf = (step) => step?.payload_started?.prompt_provenance?.parts ?? [];
const inputOf = (step) => partsOf(step).filter((part) => !FIXED.has(part.type) && part.type !== "response");
const keptOf = (step) => partsOf(step).find((part) => part.type === "response");

/**
 * The parts of a model request: `fixed` (instructions, tools, what leads), `history` (what the server kept, and what was sent
 * again) and `own` (what is new), each `{step, item, notes}`; `missing` names what is not in this session.
 */
export function promptOf(model, call) {
  const missing = [];
  const shown = (parts) => merged(parts.flatMap((part) => entries(model, part, missing)));
  const input = inputOf(call);
  // What stands before the history that is sent again, such as a system message, is shown before it.
  const leading = Math.max(0, input.findIndex((part) => part.type === "resent"));
  const fixed = shown([...partsOf(call).filter((part) => FIXED.has(part.type)), ...input.slice(0, leading)]);
  const kept = keptBefore(model, call, missing);
  const resent = input.filter((part) => part.type === "resent").flatMap((part) => slice(model, part));
  const own = shown(input.slice(leading).filter((part) => part.type !== "resent"));
  return { fixed, history: [...kept, ...shown(resent)], own, missing: [...new Set(missing)] };
}

/** What the server put before the request's own items: contexts and answers of the responses it continues. */
function keptBefore(model, call, missing) {
  const chain = [];
  const seen = new Set([call.step_id]);
  let kept = keptOf(call);
  if (!kept && call.previous_response_id) missing.push(call.previous_response_id);
  while (kept) {
    const step = model.byId.get(kept.step_id);
    if (!step) missing.push(kept.response_id ?? kept.step_id);
    if (!step || seen.has(step.step_id)) break;
    seen.add(step.step_id);
    chain.unshift(step);
    kept = keptOf(step);
    if (!kept && step.previous_response_id) missing.push(step.previous_response_id);
  }
  return chain.flatMap((step) => [
    ...merged(flat(model, step).flatMap((part) => entries(model, part, missing))),
    ...outputsOf(model, step).map((output) => ({ step: output, notes: "" })),
  ]);
}

/** The parts of a request with what was sent again spelled out; a long conversation is a long chain. */
function flat(model, call) {
  model.flat ??= new Map();
  const waiting = [call];
  while (waiting.length) {
    const step = waiting.at(-1);
    const before = inputOf(step).filter((part) => part.type === "resent").map((part) => model.byId.get(part.step_id));
    const unknown = before.filter((each) => each && !model.flat.has(each.step_id) && !waiting.includes(each));
    if (unknown.length && !model.flat.has(step.step_id)) waiting.push(...unknown);
    else {
      model.flat.set(step.step_id, inputOf(step).flatMap((part) => (part.type === "resent" ? cut(model.flat.get(part.step_id) ?? [], part) : [part])));
      waiting.pop();
    }
  }
  return model.flat.get(call.step_id);
}

const cut = (parts, { from = 0, items }) => parts.slice(from, from + items);

function slice(model, part) {
  const step = model.byId.get(part.step_id);
  return step ? cut(flat(model, step), part) : [part];
}

function entries(model, part, missing) {
  if (part.type === "item") return [{ step: null, item: part.item, notes: "" }];
  const changed = Object.keys(part.with ?? {}).concat(part.without ?? []);
  const notes = changed.length ? `sent with differences: ${changed.join(", ")}` : "";
  return (part.step_ids ?? [part.step_id]).flatMap((id) => {
    const step = model.byId.get(id);
    if (!step) missing.push(id);
    return step ? [{ step, notes }] : [];
  });
}

/** One snapshot may stand for several items in a row. */
function merged(parts) {
  return parts.filter((part, n) => !(n > 0 && part.step && part.step === parts[n - 1].step));
}

/** What a response consisted of, in its own order. */
export function outputsOf(model, call) {
  return model
    .childrenOf(call)
    .map((id) => model.byId.get(id))
    .filter((step) => OUTPUTS.has(step.label) && (!call.response_id || !step.response_id || step.response_id === call.response_id))
    .sort((a, b) => (a.output_index ?? 0) - (b.output_index ?? 0) || a.seq - b.seq);
}
