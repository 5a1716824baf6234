"""Invented keys of many providers, put together when the tests run, so that no scanner takes them for real ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

_KINDS: Final = {
    "a": ascii_letters + digits,
    "d": digits,
    "h": "0123456789abcdef",
    "l": ascii_lowercase + digits,
    "s": ascii_letters + digits + "-_",
    "u": ascii_uppercase + digits,
    "U": ascii_uppercase,
}

# The rule; then what is fixed, and how many characters of which kind follow: real prefixes and lengths.
_TABLE: Final = """
perplexity_key pplx- a48
replicate_token r8_ a37
fireworks_key fw_ a24
tavily_key tvly- a32
tavily_key tvly-dev- a32
pinecone_key pcsk_ a6 _ a63
langsmith_key lsv2_pt_ h32 _ h10
langsmith_key lsv2_sk_ h32 _ h10
langsmith_key ls__ h32
nvidia_key nvapi- s64
cerebras_key csk- l48
together_key tgp_v1_ s43
elevenlabs_key sk_ h48
llamacloud_key llx- s48
vercel_token vck_ a56
jina_key jina_ a60
firecrawl_key fc- h32
e2b_key e2b_ h40
browserbase_key bb_live_ a27
anyscale_key esecret_ a26
runpod_key rpa_ u42
wandb_key wandb_v1_ a27 _ a49
voyage_key pa- a43
modal_token as- a22
apify_token apify_api_ a36
cursor_key key_ h64
context7_key ctx7sk- h36
brave_key BSA a28
huggingface_token api_org_ a34
databricks_token dapi h32
digitalocean_token dop_v1_ h64
digitalocean_token doo_v1_ h64
digitalocean_token dor_v1_ h64
vault_token hvs. s95
vault_token hvb. s140
google_client_secret GOCSPX- s28
google_key AQ. a50
google_token 1//0 s60
aws_key_id ABIA U16
aws_bedrock_key ABSK a120
aws_bedrock_key bedrock-api-key- a60
alibaba_key_id LTAI a20
cloudflare_token cfut_ a40
cloudflare_key v1.0- h24 - h146
fly_token fo1_ s43
fly_token fm2_ a120
heroku_key HRKU- AA a58
netlify_token nfp_ a36
render_key rnd_ a28
supabase_key sbp_ h40
supabase_key sb_secret_ a22 _ a8
planetscale_token pscale_tkn_ a43
planetscale_token pscale_pw_ a43
pulumi_token pul- h40
doppler_token dp.pt. a43
doppler_token dp.st.prd. a43
tailscale_key tskey-auth- a12 - a32
scalingo_token tk-us- s48
deno_token ddp_ a36
openshift_token sha256~ s43
onepassword_token ops_eyJ a250
onepassword_key A3- u6 - u11 - u5 - u5 - u5
age_key AGE-SECRET-KEY-1 u58
yandex_key AQVN a36
gitlab_token glptt- h40
gitlab_token gldt- a20
gitlab_token glrt- a20
gitlab_token glcbt- h2 _ a20
gitlab_token GR1348941 a20
atlassian_token ATATT3 a186
atlassian_token ATBB a32
docker_token dckr_pat_ s27
circleci_token CCIPAT_ a22 _ h40
buildkite_token bkua_ h40
artifactory_key AKCp a69
artifactory_token cmVmd a59
rubygems_key rubygems_ h48
clojars_token CLOJARS_ l60
nuget_key oy2 l43
crates_token cio a32
sourcegraph_token sgp_ h16 _ h40
sonar_token squ_ h40
prefect_token pnu_ a36
infracost_key ico- a32
octopus_key API- u26
postman_key PMAK- h24 - h34
readme_key rdme_ l70
grafana_token glc_ a60
grafana_token glsa_ a32 _ h8
grafana_token eyJrIjoi a80
sentry_token sntryu_ h64
sentry_token sntrys_eyJ a80 _ a43
newrelic_key NRAK- u27
newrelic_key NRII- a32
dynatrace_token dt0c01. u24 . u64
posthog_key phx_ a43
axiom_token xaat- h8 - h4 - h4 - h4 - h12
twilio_key SK h32
sendgrid_key SG. s22 . s43
brevo_key xkeysib- h64 - a16
mailgun_key key- h32
mailchimp_key h32 -us12
resend_key re_ a8 _ a24
telegram_token d10 :AA s33
discord_token MTIz a21 . a6 . a38
discord_token mfa. a84
matrix_token syt_ a20 _ a20 _ a6
linear_key lin_api_ a40
notion_token ntn_ d11 a35
notion_token secret_ a43
figma_token figd_ s40
airtable_token pat a14 . h64
contentful_token CFPAT- s43
typeform_token tfp_ a43 _ a15
frameio_token fio-u- s64
adobe_secret p8e- a32
adafruit_key aio_ a28
voiceflow_key VF.DM. h24 . a16
harness_token pat. s22 . h24 . a20
hubspot_token pat-na1- h8 - h4 - h4 - h4 - h12
plaid_token access-sandbox- h8 - h4 - h4 - h4 - h12
terraform_token a14 .atlasv1. s67
authress_key sc_ l20 . l4 .acc_ l20 . a60
azure_client_secret a3 8Q~ a34
dropbox_token sl. s135
maxmind_key a6 _ a29 _mmk
stripe_key sk_prod_ a24
square_token sq0atp- s22
square_token EAAA a60
facebook_token EAAC a120
shopify_token shpat_ h32
shopify_token shpss_ h32
shippo_token shippo_live_ h40
duffel_token duffel_live_ s43
easypost_key EZAK a54
flutterwave_key FLWSECK_TEST- h32
razorpay_key rzp_live_ a14
woocommerce_key ck_ h40
settlemint_token sm_pat_ a16
intra42_secret s-s4t2ud- h64
trigger_key tr_prod_ a24
"""

# What may be let go of a key that a stream splits before its shape can be told, where that is more than two letters.
LET_GO: Final = {
    "telegram_token": 6,
    "discord_token": 9,
    "azure_client_secret": 5,
    "mailchimp_key": 32,
    "terraform_token": 15,
    "maxmind_key": 15,
    "harness_token": 3,
    "authress_key": 34,
    "plaid_token": 7,
}


def _made(spec: Sequence[str], chance: Random) -> str:
    return "".join(
        _some(part[0], int(part[1:]), chance) if re.fullmatch(r"[adhlsuU]\d+", part) else part
        for part in spec
    )


def _some(kind: str, count: int, chance: Random) -> str:
    drawn = "".join(chance.choices(_KINDS[kind], k=count))
    # Chance may leave out the digits, and a dash at the end would be taken for punctuation.
    sure = {"u": "A1", "U": "AB", "d": "12"}.get(kind, "a1")
    return sure + drawn[2:] if kind != "s" else f"{drawn[3:]}{sure}B"


def provider_keys() -> list[tuple[str, str]]:
    """Give a key of every kind as ``(rule, key)``; the same ones in each run."""
    chance = Random(11)  # noqa: S311 - the tests want the same keys each time
    return [(line.split()[0], _made(line.split()[1:], chance)) for line in _TABLE.strip().splitlines()]
