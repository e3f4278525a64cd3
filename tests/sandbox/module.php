<?php
// SPDX-License-Identifier: Apache-2.0
// What a PHP billing module does with the Enterprise Server, from the first look to the last: prints what it found as JSON.
// Arguments: base address, dialect ("W" or "S"), user name, password.

[, $url, $dialect, $username, $password] = $argv;

function service(string $name): SoapClient
{
    global $url, $username, $password;
    static $clients = [];
    return $clients[$name] ??= new SoapClient("$url/$name.asmx?WSDL", [
        'login' => $username,
        'password' => $password,
        'compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP,
        'keep_alive' => false,
        'cache_wsdl' => WSDL_CACHE_NONE,
        'connection_timeout' => 10,
    ]);
}

function call(string $service, string $operation, array $parameters)
{
    $answer = service($service)->$operation($parameters);
    return $answer->{$operation . 'Result'} ?? null;
}

// A table of a DataSet answer: the rows that follow its schema.
function rows($dataset, string $table = 'Table'): array
{
    $parts = simplexml_load_string('<dataset>' . $dataset->any . '</dataset>');
    $found = [];
    foreach ($parts->xpath("//NewDataSet/$table") as $row) {
        $found[] = array_map('strval', (array) $row->children());
    }
    return $found;
}

function every($list, string $item): array
{
    $items = $list->$item ?? [];
    return is_array($items) ? $items : [$items];
}

$found = [];
$me = call('esUsers', 'GetUserByUsername', ['username' => $username]);
$found['me'] = [$me->UserId, $me->Role, $me->Status];
$found['nobody'] = call('esUsers', 'GetUserByUsername', ['username' => 'nobody']);

$space = every(call('esPackages', 'GetMyPackages', ['userId' => $me->UserId]), 'PackageInfo')[0];
$plans = rows(call('esPackages', 'GetHostingPlans', ['userId' => $me->UserId]));
$found['plans'] = array_column($plans, 'PlanName');
$addons = rows(call('esPackages', 'GetHostingAddons', ['userId' => $me->UserId]));

// The module writes lastname where the server wants lastName: the surname is lost until the later UpdateUser.
$wizard = [
    'parentPackageId' => $space->PackageId, 'username' => 'phpcustomer', 'password' => 'Secret-7', 'roleId' => 3,
    'firstName' => 'Zoë', 'lastname' => 'Lost', 'email' => 'php@example.com', 'secondaryEmail' => '',
    'htmlMail' => true, 'sendAccountLetter' => false, 'createPackage' => true, 'planId' => (int) $plans[0]['PlanID'],
    'sendPackageLetter' => false, 'domainName' => '', 'tempDomain' => false, 'createWebSite' => false,
    'createFtpAccount' => false, 'ftpAccountName' => '', 'createMailAccount' => false,
    'hostName' => '', 'createZoneRecord' => false,
];
if ($dialect === 'W') {
    unset($wizard['hostName'], $wizard['createZoneRecord']);
}
$userId = call('esPackages', 'CreateUserWizard', $wizard);
$found['created'] = $userId > 0;
$found['again'] = call('esPackages', 'CreateUserWizard', $wizard);

$user = call('esUsers', 'GetUserByUsername', ['username' => 'phpcustomer']);
$found['surname lost'] = !isset($user->LastName);
$user->LastName = "O'Neil & <Søn>";
$user->City = 'Köln';
$found['update'] = call('esUsers', 'UpdateUser', ['user' => $user]);
$user = call('esUsers', 'GetUserByUsername', ['username' => 'phpcustomer']);
$found['updated'] = [$user->FirstName, $user->LastName, $user->City];

$search = [
    'userId' => $me->UserId, 'filterColumn' => 'Email', 'filterValue' => 'php@%', 'statusId' => 0, 'roleId' => 0,
    'sortColumn' => '', 'startRow' => 0, 'maximumRows' => 10,
];
$answer = call('esUsers', 'GetUsersPagedRecursive', $search);
$found['count'] = rows($answer)[0]['Column1'];
$found['search'] = array_column(rows($answer, 'Table1'), 'Username');

$package = every(call('esPackages', 'GetMyPackages', ['userId' => $userId]), 'PackageInfo')[0];
$found['package'] = [$package->PackageName, $package->StatusId];

$addon = call('esPackages', 'AddPackageAddonById', [
    'packageId' => $package->PackageId, 'addonPlanId' => (int) $addons[0]['PlanID'], 'quantity' => 2,
]);
$found['addon'] = $addon->Result > 0;
$listed = rows(call('esPackages', 'GetPackageAddons', ['packageId' => $package->PackageId]));
$found['addons'] = array_map(fn ($row) => [$row['PlanName'], $row['Quantity']], $listed);
$found['addon gone'] = call('esPackages', 'DeletePackageAddon', ['packageAddonId' => (int) $listed[0]['PackageAddonID']]);

$found['upgrade'] = call('esPackages', 'UpdatePackageLiteral', [
    'packageId' => $package->PackageId, 'statusId' => 1, 'planId' => (int) $plans[1]['PlanID'],
    'purchaseDate' => '2026-01-31T00:00:00', 'packageName' => 'Upgraded', 'packageComments' => '',
])->Result;
$found['upgraded'] = call('esPackages', 'GetPackage', ['packageId' => $package->PackageId])->PackageName;

$addresses = [
    'packageId' => $package->PackageId, 'orgId' => 0, 'groupName' => 'Web', 'pool' => 'General', 'allocateRandom' => true,
    'addressesNumber' => 1,
];
if ($dialect === 'W') {
    unset($addresses['orgId']);
}
$found['addresses'] = call('esServers', 'AllocatePackageIPAddresses', $addresses)->IsSuccess;

$dates = ['startDate' => '2026-01-01T00:00:00', 'endDate' => '2026-12-31T00:00:00'];
$traffic = rows(call('esPackages', 'GetPackageBandwidth', ['packageId' => $package->PackageId] + $dates));
$found['traffic'] = $traffic;
$found['disk'] = rows(call('esPackages', 'GetPackageDiskspace', ['packageId' => $package->PackageId]));

$organization = ['packageId' => $package->PackageId, 'organizationID' => 'phporg', 'organizationName' => 'PHP & Co'];
if ($dialect === 'S') {
    $organization['domainName'] = 'php.example';
}
$itemId = call('esOrganizations', 'CreateOrganization', $organization);
$found['organization'] = call('esOrganizations', 'GetOrganization', ['itemId' => $itemId])->Name;
$statistics = call('esExchangeServer', 'GetOrganizationStatistics', ['itemId' => $itemId]);
$found['mailboxes'] = [$statistics->CreatedMailboxes, $statistics->AllocatedMailboxes > 0];

$found['password'] = call('esUsers', 'ChangeUserPassword', ['userId' => $userId, 'password' => 'Other-8']);
$found['login'] = call('esAuthentication', 'AuthenticateUser', ['username' => 'phpcustomer', 'password' => 'Other-8', 'ip' => '']);
$found['suspend'] = call('esUsers', 'ChangeUserStatus', ['userId' => $userId, 'status' => 'Suspended']);
$found['suspended'] = call('esUsers', 'GetUserById', ['userId' => $userId])->Status;
try {
    call('esUsers', 'DeleteUser', ['userId' => 404]);
} catch (SoapFault $fault) {
    $found['fault'] = $fault->getMessage();
}
$found['delete'] = call('esUsers', 'DeleteUser', ['userId' => $userId]);
$found['gone'] = call('esUsers', 'GetUserByUsername', ['username' => 'phpcustomer']);
echo json_encode($found, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
