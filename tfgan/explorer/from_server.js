// --- The server: everything that only the model can answer. ---
async function ask(path, body) {
  const answer = await fetch(path, body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }).catch(() => { throw new Error("the explorer does not answer: is its command still running?"); });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || answer.statusText);
  return answer;
}
const described = async () => (await ask("model")).json();
const latentOf = async seed => (await (await ask("latents", { seeds: [seed] })).json()).latents[0];
async function draw(latents) {
  const answer = await ask("images", model.condition ? { latents, condition: condition() } : { latents });
  return createImageBitmap(await answer.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
}
