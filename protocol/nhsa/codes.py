"""Code lists of the fields that requests are checked against.

Values of the national edition together with those seen in several provinces; a region that has
more adds them in its profile. Lists that no request field is checked against are not here: what
we answer is region data, and what others answer is classified afterwards.
"""

from __future__ import annotations

from typing import Final

CREDENTIAL_CARD: Final = "03"
"""mdtrt_cert_type 社会保障卡: the one that needs `card_sn`."""

CODE_LISTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(values.split())
    for name, values in {
        "acct_used_flag": "0 1 2",
        "birctrl_type": "1 2 3 4 5 6 7 8 9",
        "biz_appy_type": "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 22 23 32 99",
        "clr_type": (
            "11 1103 12 13 14 15 18 21 22 27 28 41 51 53 99 9902 9903 9907 9908 9909 9910 "
            "9914 9925 9949 9950 9972 9974 9975 9977 9978 9985 9986 9987 99914 99915 99922 "
            "99923 99927 99928 99933 99934 99938 99939 99940 99943 99945 99946 99948 99949 "
            "99950 99952 99953 99958 99959 99960 99961 99962 99963 99967 99968"
        ),
        "clr_way": "1 10 2 20 3 30 4 40 50 60 8 9 902 903 904 905 915 99",
        # 0 leave out of this clearing, 1 include; one province only.
        "cnfm_flag": "0 1",
        # 1106 quote, 1107 settlement, 1203 refund of a purchase in another region.
        "cross_region_reversal": "1106 1107 1203",
        "diag_type": "1 2 3",
        "dscg_way": "1 2 3 4 5 9",
        "fixmedins_refd_setl_flag": "0 1",
        "hosp_appr_flag": "0 1 2",
        "insutype": "310 320 330 340 350 360 370 380 390 391 392 399 39905 410 510",
        "list_type": "101 102 103 104 105 106 201 301",
        "maindiag_flag": "0 1",
        "matn_type": "1 2 3 4 5 6 7 9",
        "mdtrt_cert_type": "01 02 03",
        "med_type": (
            "11 1103 12 13 1301 14 140101 140104 140201 15 16 18 19 21 2101 2102 2105 2106 2107 "
            "2109 21303 22 23 24 25 26 27 28 41 51 52 53 71 81 9901 990101 990103 9903 9904"
        ),
        "mid_setl_flag": "0 1",
        "opter_type": "1 2 3",
        "psn_cert_type": ("01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 90 99 990102 990201"),
        "psn_setlway": "01 02 0201 0202",
        "refd_setl_flag": "0 1",
        "refd_type": "ALL CASH HI",
        "refl_type": "1 2 3",
        # No source prints this list; the field's name (标志) and every client say no or yes.
        "rx_circ_flag": "0 1",
        "tcmdrug_used_way": "1 2",
        "trdn_flag": "0 1",
        "vali_flag": "0 1",
    }.items()
}
