// Checks a booking token locally: Java 17 or later, with Gson for JSON. README.md says what to give
// it.

import com.google.gson.*;
import java.security.*;
import java.security.spec.X509EncodedKeySpec;
import java.util.*;
import java.util.function.LongPredicate;

/** @param isRevoked is asked with the token's `ent` */
record Verify(JsonObject jwks, String issuer, LongPredicate isRevoked) {
    /** What comes before the 32 bytes of a public key (RFC 8410). */
    private static final byte[] ED25519 = HexFormat.of().parseHex("302a300506032b6570032100");

    /** Returns the token's claims, or nothing: then send the visitor to the waiting page. */
    Optional<JsonObject> check(String token, String concertId, String memberId, long now) {
        if (!token.matches("[\\w-]+\\.[\\w-]+\\.[\\w-]+")) return Optional.empty();
        try {
            var part = token.split("\\.");
            var header = object(part[0]);
            var type = header.get("typ").getAsString().toLowerCase(Locale.ROOT).replaceFirst("^application/", "");
            var known = header.get("alg").getAsString().equals("EdDSA") && !header.has("crit")
                && Set.of("booking+jwt", "jwt").contains(type);
            var signature = Signature.getInstance("Ed25519");
            signature.initVerify(key(header.get("kid").getAsString()));
            signature.update((part[0] + "." + part[1]).getBytes());
            if (!known || !signature.verify(Base64.getUrlDecoder().decode(part[2]))) return Optional.empty();

            var claims = object(part[1]);
            var expected = Map.of("iss", issuer, "aud", "sunbeon-gate", "cid", concertId, "sub", memberId);
            var mine = expected.entrySet().stream()
                .allMatch(claim -> new JsonPrimitive(claim.getValue()).equals(claims.get(claim.getKey())));
            var whole = claims.getAsJsonPrimitive("exp").isNumber() && claims.getAsJsonPrimitive("ent").isNumber()
                && claims.getAsJsonPrimitive("jti").isString();
            var good = mine && whole && claims.get("exp").getAsLong() > now
                && !isRevoked.test(claims.get("ent").getAsLong());
            return good ? Optional.of(claims) : Optional.empty();
        } catch (GeneralSecurityException | RuntimeException malformed) {
            return Optional.empty();
        }
    }

    private static JsonObject object(String part) {
        return JsonParser.parseString(new String(Base64.getUrlDecoder().decode(part))).getAsJsonObject();
    }

    private PublicKey key(String kid) throws GeneralSecurityException {
        for (var each : jwks.getAsJsonArray("keys")) {
            var jwk = each.getAsJsonObject();
            if (!jwk.get("kid").getAsString().equals(kid) || !jwk.get("crv").getAsString().equals("Ed25519")) continue;
            var bytes = Arrays.copyOf(ED25519, ED25519.length + 32);
            System.arraycopy(Base64.getUrlDecoder().decode(jwk.get("x").getAsString()), 0, bytes, ED25519.length, 32);
            return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(bytes));
        }
        throw new KeyException("no key " + kid);
    }
}
