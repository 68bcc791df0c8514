#!/usr/bin/env bash
# Makes keys, certificates, revocation lists and signatures, good and bad, into the folder $1. The
# tests of Cryptography/Signatures run it into a temporary folder and judge what comes out; keys
# never leave that folder. Needs openssl 3.0. What openssl will not make, the tests write in DER.
#
# Everything is judged at 2027-01-15T08:00:00Z unless a test says otherwise.
set -euo pipefail
cd "${1:?usage: make.sh FOLDER}"
export OPENSSL_CONF="$PWD/openssl.cnf"

manifest=2.25.212925083312652386765965215577180036744
from=20260101000000Z
to=20280101000000Z

# --- Certification authorities --------------------------------------------------------------------

write_configuration() {
  cat <<'CNF'
[ca]
default_ca = record
[req]
distinguished_name = none
[none]
[any]
commonName = supplied
organizationName = optional
title = optional
emailAddress = optional
CNF
  local name
  for name in record inter other below constrained fallen old tsa impostor usurper; do
    printf '[%s]\ndatabase = %s.index\ncertificate = %s.pem\nprivate_key = %s.key\n' \
      "$name" "$name" "$name" "$name"
    printf 'new_certs_dir = .\nrand_serial = yes\ndefault_md = sha256\npolicy = any\n'
    printf 'crlnumber = %s.number\nunique_subject = no\nstring_mask = utf8only\n' "$name"
    : >"$name.index"
    echo 10 >"$name.number"
  done
  extensions authority 'critical,CA:TRUE' 'critical,keyCertSign,cRLSign' ''
  extensions authority0 'critical,CA:TRUE,pathlen:0' 'critical,keyCertSign,cRLSign' ''
  extensions constrained_authority 'critical,CA:TRUE' 'critical,keyCertSign,cRLSign' ''
  echo 'nameConstraints = critical,permitted;email:tuyenquang.dcs.vn'
  local signing='critical,digitalSignature,nonRepudiation'
  extensions signer 'critical,CA:FALSE' "$signing" emailProtection
  extensions signature_only 'critical,CA:FALSE' 'critical,digitalSignature' emailProtection
  extensions client 'critical,CA:FALSE' "$signing" clientAuth
  extensions server 'critical,CA:FALSE' "$signing" serverAuth,emailProtection
  extensions any_purpose 'critical,CA:FALSE' "$signing" anyExtendedKeyUsage,emailProtection
  extensions no_purpose 'critical,CA:FALSE' "$signing" ''
  extensions policy 'critical,CA:FALSE' "$signing" ''
  echo 'certificatePolicies = 2.16.704.1.1'
  extensions no_usage 'critical,CA:FALSE' '' emailProtection
  extensions encryption 'critical,CA:FALSE' critical,keyEncipherment emailProtection
  extensions unknown 'critical,CA:FALSE' "$signing" emailProtection
  echo '1.3.6.1.4.1.99999.1 = critical,ASN1:NULL'
  extensions stranger 'critical,CA:FALSE' "$signing" emailProtection
  echo 'subjectAltName = email:an@hagiang.dcs.vn'
  extensions no_authority_key 'critical,CA:FALSE' "$signing" emailProtection |
    sed 's|= keyid$|= none|'
  extensions stamper 'critical,CA:FALSE' critical,digitalSignature critical,timeStamping
  cat <<'CNF'
[list]
authorityKeyIdentifier = keyid:always
[list_delta]
authorityKeyIdentifier = keyid:always
2.5.29.27 = critical,ASN1:INTEGER:1
[list_of_authorities]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical,@authorities_only
[authorities_only]
onlyCA = TRUE
[list_unknown]
authorityKeyIdentifier = keyid:always
1.3.6.1.4.1.99999.2 = critical,ASN1:NULL
[tsa_service]
serial = stamp.serial
signer_cert = stamper.pem
signer_key = ec.key
signer_digest = sha256
default_policy = 2.16.704.9.1
digests = sha256
ess_cert_id_alg = sha256
CNF
}

# extensions SECTION CONSTRAINTS USAGE PURPOSES
extensions() {
  printf '[%s]\nbasicConstraints = %s\nsubjectKeyIdentifier = hash\n' "$1" "$2"
  printf 'authorityKeyIdentifier = keyid\n'
  [ -z "$3" ] || printf 'keyUsage = %s\n' "$3"
  [ -z "$4" ] || printf 'extendedKeyUsage = %s\n' "$4"
}

# issue NAME AUTHORITY SECTION KEY FROM TO [openssl ca options]
issue() {
  local name=$1 authority=$2 section=$3 key=$4 start=$5 end=$6
  shift 6
  [ -e "$key.csr" ] || openssl req -new -utf8 -key "$key.key" -subj "/CN=$key" -out "$key.csr"
  openssl ca -batch -notext -utf8 -name "$authority" -extensions "$section" -startdate "$start" \
    -enddate "$end" -subj "/O=Văn phòng Tỉnh ủy/title=Chánh Văn phòng/CN=$name" \
    -in "$key.csr" -out "$name.pem" "$@" 2>ca.log || { cat ca.log >&2; return 1; }
}

key() { openssl genpkey -algorithm EC -pkeyopt "group:${2:-P-256}" -out "$1.key"; }

# list NAME AUTHORITY SECTION FROM TO
list() {
  openssl ca -gencrl -name "$2" -crlexts "$3" -crl_lastupdate "$4" -crl_nextupdate "$5" \
    -out "$1.crl" 2>ca.log || { cat ca.log >&2; return 1; }
}

# revoke NAME AUTHORITY YYMMDD: openssl writes today's date; the tests need a fixed one.
revoke() {
  local serial
  serial=$(openssl x509 -in "$1.pem" -noout -serial)
  awk -F'\t' -v OFS='\t' -v serial="${serial#serial=}" -v day="$3" \
    '$4 == serial { $1 = "R"; $3 = day "000000Z" } { print }' "$2.index" >index.new
  mv index.new "$2.index"
}

write_configuration >openssl.cnf
key ec
key ec2
key p384 P-384
key p521 P-521
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa1024.key 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:512 -out rsa512.key 2>/dev/null
openssl genpkey -algorithm ED25519 -out ed25519.key

for name in record other tsa impostor; do
  key "$name"
  subject=$name
  [ "$name" != impostor ] || subject=record  # the name of another, with a key of its own
  openssl req -new -key "$name.key" -subj "/CN=$subject authority" -out "$name.csr"
  openssl ca -batch -notext -selfsign -name "$name" -extensions authority \
    -startdate 20200101000000Z -enddate 20491231000000Z -in "$name.csr" -keyfile "$name.key" \
    -out "$name.pem" 2>ca.log || { cat ca.log >&2; exit 1; }
done
for name in inter below constrained fallen old; do key "$name"; done
issue inter record authority0 inter "$from" "$to"
issue below inter authority below "$from" "$to"
issue constrained record constrained_authority constrained "$from" "$to"
issue fallen record authority fallen "$from" "$to"
issue old record authority old 20240101000000Z 20260601000000Z

# --- Signers --------------------------------------------------------------------------------------

issue head record signer ec "$from" "$to"
issue accountant record signature_only ec2 "$from" "$to"
issue rsa record signer rsa "$from" "$to"
issue p384 record signer p384 "$from" "$to"
issue deputy inter signer ec "$from" "$to"
issue policy record policy ec "$from" "$to"
issue lasting record signer ec 20200101000000Z 20491231000000Z
issue expired record signer ec 20250101000000Z 20260601000000Z
issue early record signer ec 20270601000000Z "$to"
issue foreign other signer ec "$from" "$to"
issue pretended impostor signer ec "$from" "$to"
issue client record client ec "$from" "$to"
issue server record server ec "$from" "$to"
issue anypurpose record any_purpose ec "$from" "$to"
issue nopurpose record no_purpose ec "$from" "$to"
issue nousage record no_usage ec "$from" "$to"
issue encryption record encryption ec "$from" "$to"
issue unknown record unknown ec "$from" "$to"
issue constrainedname constrained stranger ec "$from" "$to"
issue toodeep below signer ec "$from" "$to"
issue underfallen fallen signer ec "$from" "$to"
issue underold old signer ec "$from" "$to"
issue revoked record signer ec "$from" "$to"
issue later record signer ec "$from" "$to"
issue weak record signer ec "$from" "$to" -md sha1
issue p521 record signer p521 "$from" "$to"
issue ed25519 record signer ed25519 "$from" "$to"
issue rsa512 record signer rsa512 "$from" "$to"
issue rsa1024 record signer rsa1024 "$from" "$to"
issue noakid record no_authority_key ec "$from" "$to"
cp accountant.pem usurper.pem
cp ec2.key usurper.key
issue usurped usurper signer ec "$from" "$to"
openssl x509 -req -in ec.csr -CA record.pem -CAkey record.key -set_serial 5 -days 36500 \
  -out version1.pem 2>/dev/null
issue stamper tsa stamper ec 20200101000000Z 20491231000000Z
issue notstamper tsa signer ec 20200101000000Z 20491231000000Z
openssl req -x509 -new -key ec.key -subj /CN=self -extensions signer -days 36500 -out self.pem
openssl x509 -req -in ec.csr -CA record.pem -CAkey record.key -set_serial -5 -days 36500 \
  -out negative.pem 2>/dev/null
# One issuer and serial for two keys, and for one key twice.
openssl x509 -in head.pem -noout -serial | sed 's/serial=//' >head.serial
reissue() {
  openssl x509 -req -in "$2.csr" -CA record.pem -CAkey record.key -days 36500 \
    -set_serial "0x$(cat head.serial)" -extfile openssl.cnf -extensions signer \
    -subj "/O=Văn phòng Tỉnh ủy/title=Chánh Văn phòng/CN=$1" -out "$1.pem" 2>/dev/null
}
reissue swapped ec2
reissue renewed ec

# --- Revocation lists -----------------------------------------------------------------------------

list stale record list 20260101000000Z 20260201000000Z  # nobody revoked yet, and long out of force
revoke revoked record 270110
revoke later record 270120
revoke fallen record 270110
list record record list 20270101000000Z 20270201000000Z
list inter inter list 20270101000000Z 20270201000000Z
list constrained constrained list 20270101000000Z 20270201000000Z
list below below list 20270101000000Z 20270201000000Z
list fallen fallen list 20270101000000Z 20270201000000Z
list old old list 20270101000000Z 20270201000000Z
list other other list 20270101000000Z 20270201000000Z
list next record list 20270201000000Z 20270301000000Z
list delta record list_delta 20270101000000Z 20270201000000Z
list authorities record list_of_authorities 20270101000000Z 20270201000000Z
list strange record list_unknown 20270101000000Z 20270201000000Z
list lasting record list 20200101000000Z 20491231000000Z
list pretended impostor list 20270101000000Z 20270201000000Z
cat record.crl inter.crl constrained.crl below.crl fallen.crl old.crl >all.crl

# --- Signatures -----------------------------------------------------------------------------------

printf '{"bodyDigest":"00","kind":"document","recordId":"một"}' >content
printf 'other' >other.content

# sign NAME SIGNER KEY [openssl cms options]: CAdES-BES, detached, unless the options say otherwise.
sign() {
  local name=$1 signer=$2 key=$3
  shift 3
  openssl cms -sign -binary -in content -signer "$signer.pem" -inkey "$key.key" -outform DER \
    -econtent_type "$manifest" -out "$name.p7s" "$@" 2>cms.log || { cat cms.log >&2; return 1; }
}

sign rsa-pkcs1-sha256 rsa rsa -cades
sign rsa-pkcs1-sha384 rsa rsa -cades -md sha384
sign rsa-pkcs1-sha512 rsa rsa -cades -md sha512
sign rsa-pss-sha256 rsa rsa -cades -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:-1
sign rsa-pss-sha384 rsa rsa -cades -md sha384 -keyopt rsa_padding_mode:pss
sign rsa-pss-sha512 rsa rsa -cades -md sha512 -keyopt rsa_padding_mode:pss
sign p256-sha256 head ec -cades
sign p256-sha512 head ec -cades -md sha512
sign p384-sha384 p384 p384 -cades -md sha384
sign p384-sha256 p384 p384 -cades
sign key-id head ec -cades -keyid
sign chain deputy ec -cades -certfile inter.pem
sign anchor-too head ec -cades -certfile record.pem
sign accountant accountant ec2 -cades
sign policy policy ec -cades
sign no-certificate head ec -cades -nocerts
sign later later ec -cades
sign lasting lasting ec -cades

sign indefinite head ec -cades -stream
sign attached head ec -cades -nodetach
sign no-attributes head ec -noattr
sign no-ess head ec
sign md-sha1 rsa rsa -cades -md sha1
sign md-md5 rsa rsa -cades -md md5
sign md-sha224 head ec -cades -md sha224
sign pss-mgf-sha1 rsa rsa -cades -keyopt rsa_padding_mode:pss -keyopt rsa_mgf1_md:sha1
sign pss-short-salt rsa rsa -cades -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:8
manifest=1.2.840.113549.1.7.1 sign id-data head ec -cades
sign stray head ec -cades -certfile other.pem
sign both-signers head ec -cades -signer accountant.pem -inkey ec2.key
sign foreign-second head ec -cades -signer foreign.pem -inkey ec.key
for name in expired early foreign pretended client server anypurpose nopurpose nousage encryption \
  unknown revoked weak self; do
  sign "$name" "$name" ec -cades
done
sign constrainedname constrainedname ec -cades -certfile constrained.pem
cat inter.pem below.pem >toodeep.chain
sign toodeep toodeep ec -cades -certfile toodeep.chain
sign underfallen underfallen ec -cades -certfile fallen.pem
sign underold underold ec -cades -certfile old.pem
sign usurped usurped ec -cades -certfile accountant.pem
sign version1 version1 ec -cades
sign noakid noakid ec -cades
sign broken-chain deputy ec -cades
sign authority record record -cades
sign negative negative ec -cades
for name in p521 rsa512 rsa1024; do sign "$name" "$name" "$name" -cades -md sha256; done
openssl cms -encrypt -binary -in content -outform DER -aes128 -out enveloped.p7s rsa.pem

# --- Time stamp -----------------------------------------------------------------------------------

# The last element of a signature made by openssl is its value.
openssl asn1parse -inform DER -in lasting.p7s | tail -1 | sed 's/.*:\([0-9A-F]*\)$/\1/' >value.hex
awk '{ for (i = 1; i < length($0); i += 2) printf "\\x%s", substr($0, i, 2) }' value.hex >value.esc
printf "$(cat value.esc)" >value
echo 01 >stamp.serial
openssl ts -query -data value -sha256 -cert -out stamp.tsq 2>/dev/null
openssl ts -reply -queryfile stamp.tsq -section tsa_service -token_out -out stamp.token 2>ca.log ||
  { cat ca.log >&2; exit 1; }
date +%s >stamp.time

# --- In the forms that the tests read -------------------------------------------------------------

for name in head accountant swapped renewed ed25519 stamper notstamper lasting expired \
  revoked record; do
  openssl x509 -in "$name.pem" -outform DER -out "$name.der"
done
for name in stale record; do openssl crl -in "$name.crl" -outform DER -out "$name.crl.der"; done
