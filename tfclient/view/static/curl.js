// A request as a curl command, without the key: for trying again what went wrong.
//
// Where the document does not have all of it, comment lines before the command say what is missing, and where it is:
// the rest can be filled in, but sent as it is it would be another request.

import { asText, isBlob, isCut } from "./model.js";
import { request } from "./source.js";

const NAMED = 5;

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
    const body = await request(sessionId, step.step_id);
    return warning(body, sessionId, step) + command("POST", `https://api.openai.com/v1/${endpoint}`, body);
  }
  return warning(given, sessionId, step) + command(asText(method) || "POST", `https://${host}${asText(path)}`, given);
}

function warning(body, sessionId, step) {
  const gone = notWhole(body);
  if (!gone.length) return "";
  const lines = [
    `This request cannot be sent as it is: ${gone.length === 1 ? "one of its values is" : `${gone.length} of its values are`} not all here.`,
    ...gone.slice(0, NAMED).map(([path, value]) => `  ${path || "the body"}: ${isCut(value) ? `cut by max_payload, ${Number(value.bytes)} of ${Number(value.truncated.bytes)} bytes are kept` : `kept apart, in the blob ${asText(value.blob)}`}`),
    ...(gone.length > NAMED ? [`  and ${gone.length - NAMED} more`] : []),
    `The journal has all of it: tfclient show ${sessionId} --raw ${step.step_id}`,
  ];
  return lines.map(comment).join("");
}

// Keys and ids are whatever was sent: none may end the line, and with it the comment.
const comment = (text) => `# ${text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")}\n`;

/** Path and value of what stands for something longer, or something that is kept apart. */
function notWhole(body) {
  const found = [];
  const left = [["", body]];
  while (left.length) {
    const [path, value] = left.pop();
    if (isCut(value) || isBlob(value)) found.push([path, value]);
    else if (Array.isArray(value)) left.push(...value.map((each, n) => [`${path}[${n}]`, each]).reverse());
    else if (typeof value === "object" && value !== null) left.push(...Object.entries(value).map(([name, each]) => [path ? `${path}.${name}` : name, each]).reverse());
  }
  return found;
}

function command(method, url, body) {
  const lines = [`curl -X ${quote(method)} ${quote(url)}`, '-H "Authorization: Bearer $OPENAI_API_KEY"'];
  if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `--data-binary ${quote(JSON.stringify(body, null, 2))}`);
  return `${lines.join(" \\\n  ")}\n`;
}
