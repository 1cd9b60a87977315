{{ overdose_deaths(ref('stg_cdc_vsrr_overdose'), ref('stg_coverage'), as_of()) }}
