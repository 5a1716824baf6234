"""Whose keys begin in a way of their own: what comes before, what follows, how long it is.

Prefixes and lengths are the providers' own, as they document them and as public scanners look for them; lengths
are the least that is taken for a key, since providers lengthen theirs.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

_ALNUM: Final = "A-Za-z0-9"
_HEX: Final = "0-9a-fA-F"
_WORD: Final = "A-Za-z0-9_"
_SLUG: Final = "A-Za-z0-9_-"
_DOTTED: Final = "A-Za-z0-9_.=-"
_BASE64: Final = "A-Za-z0-9+/=_-"


class Provider(NamedTuple):
    """Keys of one provider: their prefixes, the characters that follow, and how many of those."""

    rule: str
    prefixes: tuple[str, ...]
    body: str
    length: str
    needs: Literal["", "digit", "mixed"] = ""
    """What tells it from words that begin alike: a digit, or a digit and letters of both cases."""
    alone: bool = False
    """Letters and digits throughout: no key inside base64, where ``+`` and ``/`` stand around it."""


PROVIDERS: Final = (
    # Models, and what agents use
    Provider("perplexity_key", ("pplx-",), _ALNUM, "{32,}"),
    Provider("replicate_token", ("r8_",), _ALNUM, "{32,}"),
    Provider("fireworks_key", ("fw_",), _ALNUM, "{20,}", "digit"),
    Provider("tavily_key", ("tvly-",), _SLUG, "{16,}", "digit"),
    Provider("pinecone_key", ("pcsk_",), _WORD, "{20,}"),
    Provider("langsmith_key", ("lsv2_", "ls__"), _WORD, "{32,}"),
    Provider("nvidia_key", ("nvapi-",), _SLUG, "{20,}"),
    Provider("cerebras_key", ("csk-",), _ALNUM, "{20,}", "digit"),
    Provider("together_key", ("tgp_v1_",), _SLUG, "{20,}"),
    Provider("elevenlabs_key", ("sk_",), _HEX, "{40,}"),
    Provider("llamacloud_key", ("llx-",), _SLUG, "{20,}", "digit"),
    Provider("vercel_token", ("vck_", "vcp_", "vci_", "vca_", "vcr_"), _ALNUM, "{20,}", "digit"),
    Provider("jina_key", ("jina_",), _SLUG, "{32,}"),
    Provider("firecrawl_key", ("fc-",), _HEX, "{32,}"),
    Provider("e2b_key", ("e2b_",), _HEX, "{32,}"),
    Provider("browserbase_key", ("bb_live_",), _SLUG, "{20,}"),
    Provider("anyscale_key", ("esecret_",), _ALNUM, "{20,}"),
    Provider("runpod_key", ("rpa_",), _ALNUM, "{32,}"),
    Provider("wandb_key", ("wandb_v1_",), _WORD, "{32,}"),
    Provider("voyage_key", ("pa-",), _SLUG, "{40,}", "mixed"),
    Provider("modal_token", ("ak-", "as-"), _ALNUM, "{22}", "mixed"),
    Provider("apify_token", ("apify_api_",), _ALNUM, "{30,}"),
    Provider("cursor_key", ("crsr_", "key_"), _HEX, "{64}"),
    Provider("context7_key", ("ctx7sk-",), _SLUG, "{20,}"),
    Provider("brave_key", ("BSA",), _SLUG, "{24,28}", "mixed", alone=True),
    Provider("huggingface_token", ("api_org_",), _ALNUM, "{30,}"),
    # Clouds and what runs in them
    Provider("databricks_token", ("dapi", "dkea", "dose"), "0-9a-f", "{32}"),
    Provider("digitalocean_token", ("dop_v1_", "doo_v1_", "dor_v1_"), _HEX, "{32,}"),
    Provider("vault_token", ("hvs.", "hvb.", "hvr."), _SLUG, "{20,}"),
    Provider("google_client_secret", ("GOCSPX-",), _SLUG, "{20,}"),
    Provider("google_key", ("AQ.",), _SLUG, "{40,}", "digit"),
    Provider("google_token", ("1//0",), _SLUG, "{40,}"),
    Provider("aws_key_id", ("ABIA", "ACCA"), "A-Z0-9", "{16}", alone=True),
    Provider("aws_bedrock_key", ("ABSK",), _BASE64, "{100,}", alone=True),
    Provider("aws_bedrock_key", ("bedrock-api-key-",), _BASE64, "{20,}"),
    Provider("alibaba_key_id", ("LTAI",), _ALNUM, "{12,24}", "digit", alone=True),
    Provider("cloudflare_token", ("cfut_", "cfat_", "cfk_"), _SLUG, "{20,}", "digit"),
    Provider("cloudflare_key", ("v1.0-",), "0-9a-f-", "{120,}"),
    Provider("fly_token", ("fo1_", "fm1r_", "fm1a_", "fm2_"), _BASE64, "{40,}"),
    Provider("heroku_key", ("HRKU-",), _SLUG, "{32,}"),
    Provider("netlify_token", ("nfp_", "nfc_", "nfo_", "nfu_", "nfb_"), _SLUG, "{32,}"),
    Provider("render_key", ("rnd_",), _ALNUM, "{24,}", "mixed"),
    Provider("supabase_key", ("sbp_", "sb_secret_"), _WORD, "{20,}", "digit"),
    Provider("planetscale_token", ("pscale_tkn_", "pscale_oauth_", "pscale_pw_"), _DOTTED, "{32,}"),
    Provider("pulumi_token", ("pul-",), "0-9a-f", "{40}"),
    Provider("doppler_token", tuple(f"dp.{kind}." for kind in ("pt", "st", "ct", "sa", "scim", "audit")), _DOTTED,
             "{40,}"),
    Provider("tailscale_key", ("tskey-",), _SLUG, "{20,}"),
    Provider("scalingo_token", ("tk-us-",), _SLUG, "{40,}"),
    Provider("deno_token", ("ddp_", "ddw_"), _ALNUM, "{36,}"),
    Provider("openshift_token", ("sha256~",), _SLUG, "{40,}"),
    Provider("onepassword_token", ("ops_eyJ",), _BASE64, "{100,}"),
    Provider("age_key", ("AGE-SECRET-KEY-1",), "A-Z0-9", "{50,}"),
    Provider("yandex_key", ("AQVN",), _SLUG, "{35,38}", alone=True),
    # Code, builds and packages
    Provider(
        "gitlab_token",
        tuple(f"gl{kind}-" for kind in ("cbt", "dt", "ffct", "ft", "imt", "agent", "oas", "ptt", "rt", "rtr", "soat")),
        _SLUG,
        "{20,}",
    ),
    Provider("gitlab_token", ("GR1348941",), _SLUG, "{20,}"),
    Provider("atlassian_token", ("ATATT3", "ATCTT3"), _BASE64, "{40,}"),
    Provider("atlassian_token", ("ATBB",), _ALNUM, "{28,}", alone=True),
    Provider("docker_token", ("dckr_pat_", "dckr_oat_"), _SLUG, "{20,}"),
    Provider("circleci_token", ("CCIPAT_", "CCIPRJ_"), _WORD, "{20,}"),
    Provider("buildkite_token", ("bkua_",), _HEX, "{40,}"),
    Provider("artifactory_key", ("AKCp",), _ALNUM, "{60,}", alone=True),
    Provider("artifactory_token", ("cmVmd",), _ALNUM, "{59}", alone=True),
    Provider("rubygems_key", ("rubygems_",), _HEX, "{32,}"),
    Provider("clojars_token", ("CLOJARS_",), _ALNUM, "{40,}"),
    Provider("nuget_key", ("oy2",), "a-z0-9", "{43}", "digit", alone=True),
    Provider("crates_token", ("cio",), _ALNUM, "{32}", "mixed", alone=True),
    Provider("sourcegraph_token", ("sgp_", "slk_", "sgd_"), _WORD, "{40,}"),
    Provider("sonar_token", ("squ_", "sqp_", "sqa_"), _HEX, "{40}"),
    Provider("prefect_token", ("pnu_", "pnb_"), _ALNUM, "{36}"),
    Provider("infracost_key", ("ico-",), _ALNUM, "{32}"),
    Provider("octopus_key", ("API-",), "A-Z0-9", "{26}", "digit"),
    Provider("postman_key", ("PMAK-",), _SLUG, "{40,}"),
    Provider("readme_key", ("rdme_",), _ALNUM, "{40,}"),
    # What watches
    Provider("grafana_token", ("glc_",), _BASE64, "{32,}"),
    Provider("grafana_token", ("glsa_",), _WORD, "{32,}"),
    Provider("grafana_token", ("eyJrIjoi",), _BASE64, "{60,}"),
    Provider("sentry_token", ("sntrys_", "sntryu_"), _BASE64, "{40,}"),
    Provider("newrelic_key", ("NRAK-", "NRII-", "NRJS-"), _SLUG, "{19,}"),
    Provider("dynatrace_token", ("dt0c01.", "dt0s01.", "dt0s02.", "dt0s16."), "A-Za-z0-9.", "{60,}"),
    Provider("posthog_key", ("phx_",), _ALNUM, "{32,}"),
    Provider("axiom_token", ("xaat-", "xapt-"), "0-9a-f-", "{36}"),
    # Messages, documents, payments, shops
    Provider("twilio_key", ("SK",), "0-9a-f", "{32}", alone=True),
    Provider("brevo_key", ("xkeysib-", "xsmtpsib-"), _SLUG, "{40,}"),
    Provider("mailgun_key", ("key-",), "0-9a-f", "{32}"),
    Provider("matrix_token", ("syt_",), _WORD, "{32,}"),
    Provider("discord_token", ("mfa.",), _SLUG, "{60,}"),
    Provider("linear_key", ("lin_api_", "lin_oauth_"), _ALNUM, "{32,}"),
    Provider("notion_token", ("ntn_",), _ALNUM, "{32,}"),
    Provider("notion_token", ("secret_",), _ALNUM, "{43}", "mixed"),
    Provider("figma_token", ("figd_", "figo_", "figu_"), _SLUG, "{20,}"),
    Provider("contentful_token", ("CFPAT-",), _SLUG, "{40,}"),
    Provider("typeform_token", ("tfp_",), _DOTTED, "{40,}"),
    Provider("frameio_token", ("fio-u-",), _DOTTED, "{40,}"),
    Provider("adobe_secret", ("p8e-",), _ALNUM, "{32}"),
    Provider("adafruit_key", ("aio_",), _ALNUM, "{28}"),
    Provider("voiceflow_key", ("VF.DM.", "VF.WS."), "A-Za-z0-9.", "{24,}"),
    Provider("stripe_key", ("sk_prod_", "rk_prod_"), _ALNUM, "{10,}"),
    Provider("square_token", ("sq0atp-", "sq0csp-"), _SLUG, "{22,}"),
    Provider("square_token", ("EAAA",), _SLUG, "{60}", "mixed", alone=True),
    Provider("facebook_token", ("EAA",), _ALNUM, "{100,}", "mixed", alone=True),
    Provider("shopify_token", ("shpat_", "shpca_", "shppa_", "shpss_"), _HEX, "{32}"),
    Provider("shippo_token", ("shippo_live_", "shippo_test_"), _HEX, "{40}"),
    Provider("duffel_token", ("duffel_live_", "duffel_test_"), _BASE64, "{40,}"),
    Provider("easypost_key", ("EZAK", "EZTK"), _ALNUM, "{54}", alone=True),
    Provider("flutterwave_key", ("FLWSECK_TEST-", "FLWSECK-"), _ALNUM, "{12,}"),
    Provider("razorpay_key", ("rzp_live_", "rzp_test_"), _ALNUM, "{14,}"),
    Provider("woocommerce_key", ("ck_", "cs_"), "0-9a-f", "{40}"),
    Provider("settlemint_token", ("sm_aat_", "sm_pat_", "sm_sat_"), _ALNUM, "{16}"),
    Provider("intra42_secret", ("s-s4t2ud-", "s-s4t2af-"), "0-9a-f", "{64}"),
    Provider("trigger_key", ("tr_dev_", "tr_prod_"), _ALNUM, "{20,}"),
)  # fmt: skip
