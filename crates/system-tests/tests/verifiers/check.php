<?php
// Prints what verify.php makes of each test vector: its name, and whether the token is good.
[, $verifier, $vectors, $revoked] = $argv;
require $verifier;
$all = json_decode(file_get_contents($vectors), true);
foreach ($all['vectors'] as $v) {
    $claims = sunbeon_verify(
        $v['token'], $all['jwks'], $all['issuer'], $v['concertId'], $v['memberId'], $v['now'],
        fn (int $ent): bool => $revoked === 'all',
    );
    echo $v['name'], "\t", $claims === null ? 'false' : 'true', "\n";
}
