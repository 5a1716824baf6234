// The prompt as the model saw it, put together again from the parts that a request names.

const OUTPUTS = new Set(["reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted", "generic"]);

const partsOf = (step) => step?.payload_started?.prompt_provenance?.parts ?? [];

/**
 * The parts of a model request, in order: `{step, type, isNew}`. What the parent response had before comes first,
 * then what it said, then what is new. `missing` names parents that are not in this session.
 */
export function promptOf(model, call) {
  const fixed = [];
  const own = [];
  let parent = null;
  const missing = [];
  for (const part of partsOf(call)) {
    if (part.type === "response") parent = part;
    else {
      const step = model.byId.get(part.step_id);
      if (!step) missing.push(part.step_id);
      else (part.type === "instructions" || part.type === "tools" ? fixed : own).push({ step, type: part.type, isNew: true });
    }
  }
  const history = [];
  const seen = new Set([call.step_id]);
  const chain = [];
  while (parent) {
    const step = model.byId.get(parent.step_id);
    if (!step) {
      missing.push(parent.response_id ?? parent.step_id);
      break;
    }
    if (seen.has(step.step_id)) break;
    seen.add(step.step_id);
    chain.unshift(step);
    parent = partsOf(step).find((part) => part.type === "response");
  }
  if (!parent && !partsOf(call).some((part) => part.type === "response") && call.previous_response_id) {
    missing.push(call.previous_response_id);
  }
  for (const step of chain) {
    for (const part of partsOf(step)) {
      const sent = model.byId.get(part.step_id);
      if (sent && !["response", "instructions", "tools"].includes(part.type)) history.push({ step: sent, type: part.type, isNew: false });
    }
    for (const output of outputsOf(model, step)) history.push({ step: output, type: output.label, isNew: false });
  }
  return { fixed, history, own, missing };
}

/** What a response consisted of, in its own order. */
export function outputsOf(model, call) {
  return model
    .childrenOf(call)
    .map((id) => model.byId.get(id))
    .filter((step) => OUTPUTS.has(step.label) && (!call.response_id || !step.response_id || step.response_id === call.response_id))
    .sort((a, b) => (a.output_index ?? 0) - (b.output_index ?? 0) || a.seq - b.seq);
}
