// Checks a booking token locally: Node 18 or later, no packages. README.md says what to give it.
// Returns the token's claims, or null: then send the visitor to the waiting page.

import { createPublicKey, verify } from "node:crypto";

const object = (part) => {
  try {
    return Object(JSON.parse(Buffer.from(part, "base64url")));
  } catch {
    return {};
  }
};

/** `jwks` is the parsed JSON; `isRevoked` is asked with the token's `ent`. */
export function sunbeonVerify({ token, jwks, issuer, concertId, memberId, now, isRevoked }) {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return null;
  const [head, body, signature] = token.split(".");
  const { alg, typ, kid, ...others } = object(head);
  const type = String(typ).toLowerCase().replace(/^application\//, "");
  if (alg !== "EdDSA" || !["booking+jwt", "jwt"].includes(type) || "crit" in others) return null;

  const jwk = jwks.keys.find((key) => typeof kid === "string" && key.kid === kid && key.crv === "Ed25519");
  if (!jwk) return null;
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify(null, signed, key, Buffer.from(signature, "base64url"))) return null;

  const claims = object(body);
  const { iss, aud, cid, sub, exp, ent, jti } = claims;
  const mine = iss === issuer && aud === "sunbeon-gate" && cid === concertId && sub === memberId;
  const whole = Number.isInteger(exp) && Number.isInteger(ent) && typeof jti === "string";
  return mine && whole && exp > now && !isRevoked(ent) ? claims : null;
}
