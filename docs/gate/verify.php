<?php
// Checks a booking token locally: PHP 8.1 or later, 64 bits, with its own sodium extension. README.md
// says what to give it. Returns the token's claims, or null: then send the visitor to the waiting page.

/** @param array<string, mixed> $jwks decoded JSON @param callable(int): bool $isRevoked by `ent` */
function sunbeon_verify(
    string $token, array $jwks, string $issuer, string $concertId, string $memberId, int $now, callable $isRevoked,
): ?array {
    $bytes = fn (string $text): string => (string) base64_decode(strtr($text, '-_', '+/'), true);
    $object = fn (string $text): array => (array) json_decode($bytes($text), true);
    if (!preg_match('/^([\w-]+)\.([\w-]+)\.([\w-]+)$/D', $token, $part)) {
        return null;
    }
    $header = $object($part[1]);
    $type = is_string($header['typ'] ?? null) ? preg_replace('~^application/~', '', strtolower($header['typ'])) : '';
    if (($header['alg'] ?? null) !== 'EdDSA' || array_key_exists('crit', $header)
        || !in_array($type, ['booking+jwt', 'jwt'], true) || !is_string($header['kid'] ?? null)) {
        return null;
    }
    $named = fn (array $key): bool => ($key['kid'] ?? null) === $header['kid'] && ($key['crv'] ?? null) === 'Ed25519';
    $key = array_values(array_filter($jwks['keys'], $named))[0] ?? null;
    $signature = $bytes($part[3]);
    if ($key === null || strlen($signature) !== SODIUM_CRYPTO_SIGN_BYTES
        || !sodium_crypto_sign_verify_detached($signature, "$part[1].$part[2]", $bytes($key['x']))) {
        return null;
    }
    $claims = $object($part[2]);
    $expected = ['iss' => $issuer, 'aud' => 'sunbeon-gate', 'cid' => $concertId, 'sub' => $memberId];
    foreach ($expected as $name => $value) {
        if (($claims[$name] ?? null) !== $value) {
            return null;
        }
    }
    $good = is_int($claims['exp'] ?? null) && $claims['exp'] > $now && is_int($claims['ent'] ?? null)
        && is_string($claims['jti'] ?? null) && !$isRevoked($claims['ent']);
    return $good ? $claims : null;
}
