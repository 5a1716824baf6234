// What the steps of each label are called: in full, as in the diagrams, and short, for narrow columns.

const KINDS = {
  user_message: ["USER", "USER", "user"],
  assistant_call: ["MODEL REQUEST", "MODEL", "call"],
  reasoning: ["REASONING", "REASON", "reasoning"],
  tool_call: ["TOOL CALL", "TOOL", "tool"],
  tool_output: ["TOOL OUTPUT", "OUTPUT", "output"],
  tool_error: ["TOOL ERROR", "ERROR", "error"],
  approval_request: ["APPROVAL REQUEST", "APPROVE?", "approval"],
  approval_response: ["APPROVAL", "APPROVAL", "approval"],
  assistant_message: ["ASSISTANT", "ASSIST", "answer"],
  context_compacted: ["CONTEXT COMPACTED", "COMPACT", "other"],
  "policy.snapshot": ["INSTRUCTIONS", "INSTR", "page"],
  "tool.schemas.snapshot": ["TOOLS", "TOOLS", "page"],
  "context.snapshot": ["HISTORY", "HISTORY", "page"],
  generic: ["ITEM", "ITEM", "other"],
};

export function kind(step) {
  const [words, short, look] = Object.hasOwn(KINDS, step.label) ? KINDS[step.label] : [step.label.toUpperCase(), "ITEM", "other"];
  if (step.label === "generic" && step.type.startsWith("api.")) return { words: "API CALL", short: "API", look };
  if (step.label === "generic" && step.type.startsWith("annotation.")) return { words: "NOTE", short: "NOTE", look };
  return { words, short, look };
}

/** A status that says something; what went well is not said. */
export function statusWord(status) {
  return !status || status === "completed" || status === "closed" ? "" : status.replaceAll("_", " ").toUpperCase();
}
