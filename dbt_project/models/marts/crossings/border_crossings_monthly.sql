{{ crossings(ref('stg_bts_border_crossings'), ref('stg_coverage'), as_of()) }}
