"""Tables of countries and of the states of the US: codes, names, and what people call them."""

from typing import Final

# ISO 3166-1: two letters, three letters, name. Names from tzdata's iso3166.tab (public domain).
ISO_3166: Final = """
AD AND Andorra; AE ARE United Arab Emirates; AF AFG Afghanistan; AG ATG Antigua & Barbuda; AI
AIA Anguilla; AL ALB Albania; AM ARM Armenia; AO AGO Angola; AQ ATA Antarctica; AR ARG
Argentina; AS ASM American Samoa; AT AUT Austria; AU AUS Australia; AW ABW Aruba; AX ALA Åland
Islands; AZ AZE Azerbaijan; BA BIH Bosnia & Herzegovina; BB BRB Barbados; BD BGD Bangladesh;
BE BEL Belgium; BF BFA Burkina Faso; BG BGR Bulgaria; BH BHR Bahrain; BI BDI Burundi; BJ BEN
Benin; BL BLM St Barthelemy; BM BMU Bermuda; BN BRN Brunei; BO BOL Bolivia; BQ BES Caribbean
Netherlands; BR BRA Brazil; BS BHS Bahamas; BT BTN Bhutan; BV BVT Bouvet Island; BW BWA
Botswana; BY BLR Belarus; BZ BLZ Belize; CA CAN Canada; CC CCK Cocos Islands; CD COD Congo
Kinshasa; CF CAF Central African Republic; CG COG Congo; CH CHE Switzerland; CI CIV Ivory
Coast; CK COK Cook Islands; CL CHL Chile; CM CMR Cameroon; CN CHN China; CO COL Colombia; CR
CRI Costa Rica; CU CUB Cuba; CV CPV Cape Verde; CW CUW Curaçao; CX CXR Christmas Island; CY
CYP Cyprus; CZ CZE Czech Republic; DE DEU Germany; DJ DJI Djibouti; DK DNK Denmark; DM DMA
Dominica; DO DOM Dominican Republic; DZ DZA Algeria; EC ECU Ecuador; EE EST Estonia; EG EGY
Egypt; EH ESH Western Sahara; ER ERI Eritrea; ES ESP Spain; ET ETH Ethiopia; FI FIN Finland;
FJ FJI Fiji; FK FLK Falkland Islands; FM FSM Micronesia; FO FRO Faroe Islands; FR FRA France;
GA GAB Gabon; GB GBR United Kingdom; GD GRD Grenada; GE GEO Georgia; GF GUF French Guiana; GG
GGY Guernsey; GH GHA Ghana; GI GIB Gibraltar; GL GRL Greenland; GM GMB Gambia; GN GIN Guinea;
GP GLP Guadeloupe; GQ GNQ Equatorial Guinea; GR GRC Greece; GS SGS South Georgia; GT GTM
Guatemala; GU GUM Guam; GW GNB Guinea-Bissau; GY GUY Guyana; HK HKG Hong Kong; HM HMD Heard
Island & McDonald Islands; HN HND Honduras; HR HRV Croatia; HT HTI Haiti; HU HUN Hungary; ID
IDN Indonesia; IE IRL Ireland; IL ISR Israel; IM IMN Isle of Man; IN IND India; IO IOT British
Indian Ocean Territory; IQ IRQ Iraq; IR IRN Iran; IS ISL Iceland; IT ITA Italy; JE JEY Jersey;
JM JAM Jamaica; JO JOR Jordan; JP JPN Japan; KE KEN Kenya; KG KGZ Kyrgyzstan; KH KHM Cambodia;
KI KIR Kiribati; KM COM Comoros; KN KNA St Kitts & Nevis; KP PRK North Korea; KR KOR South
Korea; KW KWT Kuwait; KY CYM Cayman Islands; KZ KAZ Kazakhstan; LA LAO Laos; LB LBN Lebanon;
LC LCA St Lucia; LI LIE Liechtenstein; LK LKA Sri Lanka; LR LBR Liberia; LS LSO Lesotho; LT
LTU Lithuania; LU LUX Luxembourg; LV LVA Latvia; LY LBY Libya; MA MAR Morocco; MC MCO Monaco;
MD MDA Moldova; ME MNE Montenegro; MF MAF Saint Martin; MG MDG Madagascar; MH MHL Marshall
Islands; MK MKD North Macedonia; ML MLI Mali; MM MMR Myanmar; MN MNG Mongolia; MO MAC Macau;
MP MNP Northern Mariana Islands; MQ MTQ Martinique; MR MRT Mauritania; MS MSR Montserrat; MT
MLT Malta; MU MUS Mauritius; MV MDV Maldives; MW MWI Malawi; MX MEX Mexico; MY MYS Malaysia;
MZ MOZ Mozambique; NA NAM Namibia; NC NCL New Caledonia; NE NER Niger; NF NFK Norfolk Island;
NG NGA Nigeria; NI NIC Nicaragua; NL NLD Netherlands; NO NOR Norway; NP NPL Nepal; NR NRU
Nauru; NU NIU Niue; NZ NZL New Zealand; OM OMN Oman; PA PAN Panama; PE PER Peru; PF PYF French
Polynesia; PG PNG Papua New Guinea; PH PHL Philippines; PK PAK Pakistan; PL POL Poland; PM SPM
St Pierre & Miquelon; PN PCN Pitcairn; PR PRI Puerto Rico; PS PSE Palestine; PT PRT Portugal;
PW PLW Palau; PY PRY Paraguay; QA QAT Qatar; RE REU Réunion; RO ROU Romania; RS SRB Serbia; RU
RUS Russia; RW RWA Rwanda; SA SAU Saudi Arabia; SB SLB Solomon Islands; SC SYC Seychelles; SD
SDN Sudan; SE SWE Sweden; SG SGP Singapore; SH SHN St Helena; SI SVN Slovenia; SJ SJM Svalbard
& Jan Mayen; SK SVK Slovakia; SL SLE Sierra Leone; SM SMR San Marino; SN SEN Senegal; SO SOM
Somalia; SR SUR Suriname; SS SSD South Sudan; ST STP Sao Tome & Principe; SV SLV El Salvador;
SX SXM Sint Maarten; SY SYR Syria; SZ SWZ Eswatini; TC TCA Turks & Caicos Islands; TD TCD
Chad; TF ATF French Southern Territories; TG TGO Togo; TH THA Thailand; TJ TJK Tajikistan; TK
TKL Tokelau; TL TLS East Timor; TM TKM Turkmenistan; TN TUN Tunisia; TO TON Tonga; TR TUR
Turkey; TT TTO Trinidad & Tobago; TV TUV Tuvalu; TW TWN Taiwan; TZ TZA Tanzania; UA UKR
Ukraine; UG UGA Uganda; UM UMI US minor outlying islands; US USA United States; UY URY
Uruguay; UZ UZB Uzbekistan; VA VAT Vatican City; VC VCT St Vincent & the Grenadines; VE VEN
Venezuela; VG VGB British Virgin Islands; VI VIR US Virgin Islands; VN VNM Vietnam; VU VUT
Vanuatu; WF WLF Wallis & Futuna; WS WSM Samoa; XK XKX Kosovo; YE YEM Yemen; YT MYT Mayotte; ZA
ZAF South Africa; ZM ZMB Zambia; ZW ZWE Zimbabwe
"""
# Folded names that people and other systems write, beside the ones above.
ALSO_CALLED: Final = {
    "US": "usa, u s, u s a, united states of america, america, the states, estados unidos",
    "GB": "uk, u k, great britain, britain, england, scotland, wales, northern ireland",
    "AE": "uae, emirates",
    "AT": "osterreich, oesterreich",
    "BE": "belgie, belgique",
    "BR": "brasil",
    "CD": "democratic republic of the congo, dr congo, drc",
    "CG": "republic of the congo, congo brazzaville",
    "CH": "schweiz, suisse, svizzera",
    "CI": "cote d ivoire, cote divoire",
    "CN": "peoples republic of china, prc, mainland china",
    "CV": "cabo verde",
    "CZ": "czechia, cesko",
    "DE": "deutschland",
    "DK": "danmark",
    "ES": "espana",
    "FI": "suomi",
    "GR": "el, hellas",
    "HK": "hong kong sar",
    "IE": "republic of ireland, eire",
    "IR": "islamic republic of iran",
    "IT": "italia",
    "KP": "korea north",
    "KR": "korea, republic of korea, korea south",
    "LA": "lao",
    "MD": "republic of moldova",
    "MK": "macedonia",
    "MM": "burma",
    "MO": "macao",
    "MX": "mexiko",
    "NL": "holland, the netherlands, nederland",
    "NO": "norge",
    "PL": "polska",
    "PS": "palestinian territories, west bank",
    "PT": "portuguese republic",
    "RS": "republic of serbia",
    "RU": "russian federation",
    "SE": "sverige",
    "SY": "syrian arab republic",
    "SZ": "swaziland",
    "TL": "timor leste",
    "TR": "turkiye",
    "TW": "taiwan province of china",
    "TZ": "united republic of tanzania",
    "VA": "holy see",
    "VN": "viet nam",
    "ZA": "rsa",
}
US_STATES: Final = """
AL Alabama; AK Alaska; AZ Arizona; AR Arkansas; CA California; CO Colorado; CT Connecticut;
DE Delaware; DC District of Columbia; FL Florida; GA Georgia; HI Hawaii; ID Idaho; IL Illinois;
IN Indiana; IA Iowa; KS Kansas; KY Kentucky; LA Louisiana; ME Maine; MD Maryland;
MA Massachusetts; MI Michigan; MN Minnesota; MS Mississippi; MO Missouri; MT Montana;
NE Nebraska; NV Nevada; NH New Hampshire; NJ New Jersey; NM New Mexico; NY New York;
NC North Carolina; ND North Dakota; OH Ohio; OK Oklahoma; OR Oregon; PA Pennsylvania;
RI Rhode Island; SC South Carolina; SD South Dakota; TN Tennessee; TX Texas; UT Utah;
VT Vermont; VA Virginia; WA Washington; WV West Virginia; WI Wisconsin; WY Wyoming;
PR Puerto Rico; DC Washington DC; DC Washington D C
"""
