<?php
// SPDX-License-Identifier: Apache-2.0
// What a PHP client does with the newest generation, whose credentials are a SOAP header: prints what it found as JSON.
// Arguments: base address, user name, password.

[, $url, $username, $password] = $argv;

function credentials(string $outer, string $inner): SoapHeader
{
    global $username, $password;
    $parts = [];
    foreach (['Password' => $password, 'Username' => $username] as $name => $text) {
        $parts[] = new SoapVar($text, XSD_STRING, null, null, $name, $inner);
    }
    return new SoapHeader($outer, 'Credentials', new SoapVar($parts, SOAP_ENC_OBJECT));
}

function call(string $service, string $operation, array $parameters, ?SoapHeader $header = null)
{
    global $url;
    $client = new SoapClient("$url/$service?wsdl", [
        'compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP, 'keep_alive' => false, 'cache_wsdl' => WSDL_CACHE_NONE,
    ]);
    $client->__setSoapHeaders($header ?? credentials('http://fusecp.com/headers/Credentials', 'http://fusecp/credentials'));
    return $client->$operation($parameters)->{$operation . 'Result'} ?? null;
}

$found = [];
$me = call('esUsers', 'GetUserByUsername', ['username' => $username]);
$found['me'] = [$me->userId, $me->roleId, $me->statusId];
$found['nobody'] = call('esUsers', 'GetUserByUsername', ['username' => 'nobody']);
$space = call('esPackages', 'GetMyPackages', ['userId' => $me->userId])->PackageInfo;
$plans = call('esPackages', 'GetHostingPlans', ['userId' => $me->userId]);
$rows = simplexml_load_string($plans->any)->NewDataSet->Table;
$found['plans'] = array_map('strval', [$rows[0]->PlanName, $rows[1]->PlanName]);
$userId = call('esPackages', 'CreateUserWizard', [
    'parentPackageId' => $space->packageId, 'username' => 'phpcustomer', 'password' => 'Secret-7', 'roleId' => 3,
    'firstName' => 'Zoë', 'lastName' => 'Søn', 'email' => 'php@example.com', 'createPackage' => true,
    'planId' => (int) $rows[0]->PlanID,
]);
$user = call('esUsers', 'GetUserById', ['userId' => $userId]);
$user->city = 'Köln';
$found['update'] = call('esUsers', 'UpdateUser', ['user' => $user]);
$user = call('esUsers', 'GetUserById', ['userId' => $userId]);
$found['updated'] = [$user->firstName, $user->lastName, $user->city];
$found['suspend'] = call('esUsers', 'ChangeUserStatus', ['userId' => $userId, 'status' => 'Suspended']);
$found['suspended'] = call('esUsers', 'GetUserById', ['userId' => $userId])->statusId;
$package = call('esPackages', 'GetMyPackages', ['userId' => $userId])->PackageInfo;
$found['package'] = [$package->packageName, $package->statusId];
$found['delete'] = call('esUsers', 'DeleteUser', ['userId' => $userId]);
$found['gone'] = call('esUsers', 'GetUserById', ['userId' => $userId]);
try {
    // The header of the module that is shipped with this generation has other namespaces, so nobody is recognised.
    $shipped = credentials('http://fusecp/headers/Credentials', 'http://hostpanelpro/credentials');
    call('esUsers', 'GetUserById', ['userId' => $userId], $shipped);
} catch (SoapFault $fault) {
    $found['shipped'] = $fault->getMessage();
}
echo json_encode($found, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
