// A request as a curl command, without the key: for trying again what went wrong.

import { asText } from "./model.js";
import { promptOf } from "./prompt.js";

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The command, or null for a step that is no request. */
export function curlOf(model, step) {
  if (step.label === "assistant_call") {
    const chat = asText(step.payload_started?.name).includes("chat.completions");
    return command("POST", `https://api.openai.com/v1/${chat ? "chat/completions" : "responses"}`, (chat ? chatBody : responsesBody)(model, step));
  }
  const { method, host, path, arguments: given } = step.payload_started ?? {};
  if (step.label === "generic" && typeof path === "string" && typeof host === "string") {
    const where = path.startsWith("/v1/") || host !== "api.openai.com" ? path : `/v1${path.startsWith("/") ? "" : "/"}${path}`;
    return command(asText(method) || "POST", `https://${host}${where}`, given);
  }
  return null;
}

function command(method, url, body) {
  const lines = [`curl -X ${quote(method)} ${quote(url)}`, `-H "Authorization: Bearer $OPENAI_API_KEY"`];
  if (body !== undefined) {
    lines.push("-H 'Content-Type: application/json'", `--data-binary ${quote(JSON.stringify(body, null, 2))}`);
  }
  return `${lines.join(" \\\n  ")}\n`;
}

function frame(step) {
  return { model: step.payload_started?.model ?? step.model, ...(step.payload_started?.arguments ?? {}) };
}

function toolsOf(prompt) {
  const tools = prompt.fixed.find((part) => part.type === "tools")?.step.payload_started.tools;
  return tools ? { tools } : {};
}

function policies(prompt) {
  const step = prompt.fixed.find((part) => part.type === "instructions")?.step;
  if (!step) return [];
  const { sources = [], items, text } = step.payload_started;
  if (Array.isArray(items) && items.length === sources.length) return items.map((raw, n) => ({ source: sources[n], raw }));
  return [{ source: sources[0] ?? "instructions", raw: text }];
}

function asMessage({ source, raw }) {
  return typeof raw === "object" && raw !== null && raw.role ? raw : { role: source === "system" ? "system" : "developer", content: raw };
}

function responsesBody(model, step) {
  const prompt = promptOf(model, step);
  const body = { ...frame(step), ...toolsOf(prompt) };
  const linked = step.previous_response_id;
  if (linked) body.previous_response_id = linked;
  const parts = linked ? prompt.own : [...prompt.history, ...prompt.own];
  const leading = policies(prompt);
  const instructions = leading.filter((each) => each.source === "instructions");
  if (instructions.length) body.instructions = instructions.map((each) => asText(each.raw)).join("\n\n");
  body.input = [...leading.filter((each) => each.source !== "instructions").map(asMessage), ...parts.flatMap((part) => responsesItems(part.step))];
  return body;
}

function argumentText(step) {
  const given = step.payload_started?.arguments;
  return typeof given === "string" ? given : JSON.stringify(given ?? {});
}

function responsesItems(step) {
  const began = step.payload_started ?? {};
  const ended = step.payload_completed ?? {};
  switch (step.label) {
    case "user_message":
      return [{ role: began.role ?? "user", content: began.content ?? began.text }];
    case "assistant_message":
      return [{ role: "assistant", content: ended.text ?? ended.refusal ?? "" }];
    case "tool_call":
      return step.call_id ? [{ type: "function_call", call_id: step.call_id, name: step.tool_name ?? began.name, arguments: argumentText(step) }] : [];
    case "tool_output":
    case "tool_error":
      return [{ type: "function_call_output", call_id: step.call_id, output: ended.output ?? step.error?.message ?? "" }];
    case "context.snapshot":
      return began.items ?? [];
    case "approval_response":
      return [{ type: "mcp_approval_response", ...ended }];
    default:
      return [];
  }
}

function chatBody(model, step) {
  const prompt = promptOf(model, step);
  const messages = policies(prompt).map(asMessage);
  for (const { step: part } of [...prompt.history, ...prompt.own]) {
    const began = part.payload_started ?? {};
    const ended = part.payload_completed ?? {};
    if (part.label === "tool_call") {
      const call = { id: part.call_id, type: "function", function: { name: part.tool_name ?? began.name, arguments: argumentText(part) } };
      const last = messages.at(-1);
      if (last?.role === "assistant") last.tool_calls = [...(last.tool_calls ?? []), call];
      else messages.push({ role: "assistant", content: null, tool_calls: [call] });
    } else if (part.label === "tool_output" || part.label === "tool_error") {
      messages.push({ role: "tool", tool_call_id: part.call_id, content: ended.output ?? part.error?.message ?? "" });
    } else if (part.label === "assistant_message" || part.label === "user_message" || part.label === "context.snapshot") {
      messages.push(...responsesItems(part));
    }
  }
  return { ...frame(step), ...toolsOf(prompt), messages };
}
