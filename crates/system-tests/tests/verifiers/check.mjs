// Prints what verify.mjs makes of each test vector: its name, and whether the token is good.
import { readFileSync } from "node:fs";
const [verifier, vectors, revoked] = process.argv.slice(2);
const { sunbeonVerify } = await import(verifier);
const all = JSON.parse(readFileSync(vectors, "utf8"));
for (const vector of all.vectors) {
  const isRevoked = () => revoked === "all";
  const claims = sunbeonVerify({ ...vector, jwks: all.jwks, issuer: all.issuer, isRevoked });
  console.log(`${vector.name}\t${claims !== null}`);
}
