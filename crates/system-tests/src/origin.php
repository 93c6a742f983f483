<?php
// A shop's back end in PHP: it answers every request with what it reads from it, and leaves a line
// for each in the file CALLS.
file_put_contents(getenv('CALLS'), $_SERVER['REQUEST_URI'] . "\n", FILE_APPEND);

// Some servers of the CGI kind make an underscore of every byte that is no letter or digit.
$members = [];
foreach (getallheaders() as $name => $value) {
    if (preg_replace('/[^A-Z0-9]/', '_', strtoupper($name)) === 'X_MEMBER_ID') {
        $members[] = $value;
    }
}
header('Content-Type: application/json');
echo json_encode([
    'path' => $_SERVER['REQUEST_URI'],
    // PHP's own reading.
    'member' => $_SERVER['HTTP_X_MEMBER_ID'] ?? null,
    'members' => $members,
    'upgrade' => isset($_SERVER['HTTP_UPGRADE']),
    'body' => file_get_contents('php://input'),
], JSON_INVALID_UTF8_SUBSTITUTE);
