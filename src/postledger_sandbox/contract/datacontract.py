# SPDX-License-Identifier: Apache-2.0
"""What FuseCP's serializer makes of the same classes: other names, another order, a namespace for each library.

Members come in the order of their names, those of a base class first, each level in its own namespace. Classes marked as
serializable, and not as data contracts, show the names of their private fields.
"""

from __future__ import annotations

from dataclasses import dataclass

from postledger_sandbox.contract import Contract

ROOT = "http://schemas.datacontract.org/2004/07/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"

_LIBRARIES = {
    "FuseCP.Providers.HostedSolution": (
        "BaseStatistics BlackBerryStatsItem CalendarProcessingFlags ExchangeDisclaimer ExchangeJournalRule"
        " ExchangeMailboxAutoReplySettings ExchangeMailboxPlanRetentionPolicyTag ExchangeResourceMailboxSettings"
        " ExchangeRetentionPolicyTag ExternalAudience LyncFederationDomain LyncPolicyType OofState"
        " OrganizationGeneralSettings OrganizationPasswordSettings SfBFederationDomain SfBPolicyType ExchangeAccount ExchangeAccountsPaged ExchangeActiveSyncPolicy"
        " ExchangeContact ExchangeDistributionList ExchangeItemStatistics ExchangeMailbox ExchangeMailboxPlan"
        " ExchangeMailboxStatistics ExchangeMobileDevice ExchangePublicFolder LyncUser LyncUserPlan LyncUsersPaged"
        " OCSUser OCSUsersPaged Organization OrganizationDeletedUser OrganizationDeletedUsersPaged"
        " OrganizationDomainName OrganizationSecurityGroup OrganizationUser OrganizationUsersPaged OrganizationsPaged"
        " PasswordPolicy SfBUser SfBUserPlan SfBUsersPaged ExchangeAccountType ExchangeAcceptedDomainType"
        " LyncVoicePolicyType SfBVoicePolicyType MailboxManagerActions MobileDeviceStatus"
    ),
    "FuseCP.Providers.ResultObjects": (
        "BlackBerryUserStatsResult BytesResult ValueResultObjectOfArrayOfByte ExchangeDistributionListResult IntResult LyncUserResult LyncUsersPagedResult"
        " OCSUserResult OCSUsersPagedResult OrganizationUsersPagedResult PasswordPolicyResult SfBUserResult"
        " SfBUsersPagedResult ValueResultObjectOfExchangeDistributionList ValueResultObjectOfInt32"
        " ValueResultObjectOfListOfBlackBerryStatsItem ValueResultObjectOfLyncUser ValueResultObjectOfLyncUsersPaged"
        " ValueResultObjectOfOCSUser ValueResultObjectOfOCSUsersPaged ValueResultObjectOfOrganizationUsersPaged"
        " ValueResultObjectOfPasswordPolicy ValueResultObjectOfSfBUser ValueResultObjectOfSfBUsersPaged"
    ),
    "FuseCP.Providers.DNS": "DnsRecord DnsRecordType",
    "FuseCP.Providers.DomainLookup": "DnsRecordInfo",
    "FuseCP.EnterpriseServer.Base.HostedSolution": (
        "AccessToken AccessTokenTypes AdditionalGroup OrganizationStatistics ServiceLevel"
    ),
    "FuseCP.EnterpriseServer.Base.Scheduling": "ScheduleTaskViewConfiguration",
    "FuseCP.Providers.Common": "ResultObject",
    "FuseCP.Providers": "ServiceProviderItem",
    "FuseCP.Providers.OS": "OSPlatform OSPlatformInfo",
}
_LIBRARY = {name: library for library, names in _LIBRARIES.items() for name in names.split()}
_NAMES = {
    "ValueResultObjectOfArrayOfByte": "ValueResultObjectOfbase64Binary",
    "ValueResultObjectOfInt32": "ValueResultObjectOfint",
}
_BY_PRIVATE_FIELDS = frozenset(
    "DomainInfo ExchangeMailboxPlan ExchangeMailboxPlanRetentionPolicyTag GlobalDnsRecord HostingPlanGroupInfo HostingPlanInfo PackageAddonInfo PackageInfo"
    " ResourceGroupInfo ScheduleTaskViewConfiguration ServerInfo ServiceInfo UserInfo UserVlan".split()
)
# Of those classes: members that the compiler gave a field of its own, and those whose field is named oddly.
_AUTOMATIC = frozenset(
    {
        *(("DomainInfo", name) for name in "CreationDate ExpirationDate LastUpdateDate MinimumTTL".split()),
        *(
            ("DomainInfo", name)
            for name in "RecordDefaultTTL RecordMinimumTTL RegistrarName ZoneServiceID".split()
        ),
        ("ServerInfo", "PasswordIsSHA256"),
        ("ServiceInfo", "ServerName"),
        ("UserInfo", "AdditionalParams"),
        ("UserInfo", "MfaMode"),
        ("UserVlan", "Comment"),
        ("UserVlan", "VLanID"),
    }
)
# Computed members are not fields, so they do not appear; the list of networks is not kept either.
_ABSENT = frozenset(("UserInfo", name) for name in ("Role", "Status", "LoginStatus", "Vlans"))


@dataclass(frozen=True)
class Member:
    """A member on the wire: its name there, its public name, its type as in the contract."""

    name: str
    public: str
    kind: str


@dataclass(frozen=True)
class Level:
    """The members that one class adds to its base, in wire order, and their namespace."""

    namespace: str
    members: tuple[Member, ...]


def namespace_of(name: str) -> str:
    """The namespace of a class or enum."""
    return ROOT + _LIBRARY.get(name, "FuseCP.EnterpriseServer")


def name_of(name: str) -> str:
    """The name of a class or enum in the schema."""
    return _NAMES.get(name, name)


def is_required(name: str) -> bool:
    """Whether the schema demands the members of a class: it does for fields."""
    return name in _BY_PRIVATE_FIELDS


def item_of(kind: str) -> tuple[str, str]:
    """Namespace and name of the items of a list, its item type given as in the contract."""
    if kind.endswith("[]"):
        namespace, name = item_of(kind[:-2])
        return namespace, f"ArrayOf{name}"
    if kind[0].islower():
        return ARRAYS, kind
    return namespace_of(kind), name_of(kind)


def level(contract: Contract, name: str) -> Level:
    """What a class adds to its base."""
    members = [
        Member(_wire_name(name, public), public, kind)
        for public, kind in contract.types[name].members
        if (name, public) not in _ABSENT
    ]
    return Level(namespace_of(name), tuple(sorted(members, key=lambda member: member.name)))


def levels(contract: Contract, name: str) -> tuple[Level, ...]:
    """A class with its bases, the outermost first."""
    base = contract.types[name].base
    return (*(levels(contract, base) if base else ()), level(contract, name))


def _wire_name(type_name: str, public: str) -> str:
    if type_name not in _BY_PRIVATE_FIELDS:
        return public
    if (type_name, public) in _AUTOMATIC:
        return f"_x003C_{public}_x003E_k__BackingField"
    head = public[:2].lower() if public.startswith(("AD", "OS")) else public[:1].lower()
    return head + public[len(head) :]
