// A request as a curl command, without the key: for trying again what went wrong.

import { asText } from "./model.js";
import { request } from "./source.js";

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Whether a step was a request. */
export function isRequest(step) {
  return step.label === "assistant_call" || (step.label === "generic" && typeof step.payload_started?.host === "string");
}

/** The command, with the body as it was sent. */
export async function curlOf(sessionId, step) {
  const { name, method, host, path, arguments: given } = step.payload_started ?? {};
  if (step.label === "assistant_call") {
    const endpoint = asText(name).includes("chat.completions") ? "chat/completions" : "responses";
    return command("POST", `https://api.openai.com/v1/${endpoint}`, await request(sessionId, step.step_id));
  }
  return command(asText(method) || "POST", `https://${host}${asText(path)}`, given);
}

function command(method, url, body) {
  const lines = [`curl -X ${quote(method)} ${quote(url)}`, '-H "Authorization: Bearer $OPENAI_API_KEY"'];
  if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `--data-binary ${quote(JSON.stringify(body, null, 2))}`);
  return `${lines.join(" \\\n  ")}\n`;
}
