-- What the views of an audit compute with; each may be called from any query.

-- A label, or the name of an attribute, as it is compared: lower case, one space for "_" and for runs of spaces.
CREATE MACRO label_name(label) AS trim(regexp_replace(lower(replace(label, '_', ' ')), '\s+', ' ', 'g'));

-- A label as it meets others: one name for all that the table of label names says are one ("Effusion" and "pleural
-- effusion"), else as label_name gives it. Who makes the macros makes known_labels() before them: from names to that one.
CREATE MACRO label_key(label) AS coalesce(known_labels()[label_name(label)], label_name(label));

-- Whether a row is of a part of the rows: train, validation, test or external, "internal" for all but the last, "all", or
-- "judged" (and NULL): all that may be judged.
CREATE MACRO of_part(split, judged, part) AS CASE coalesce(part, 'judged') WHEN 'judged' THEN judged WHEN 'all' THEN true
    WHEN 'internal' THEN split IS DISTINCT FROM 'external' ELSE coalesce(split = part, false) END;

-- The value of an attribute by its name in any spelling: attribute(attributes, 'Scanner_Model').
CREATE MACRO bare_name(name) AS replace(replace(replace(replace(lower(name), ' ', ''), '_', ''), '-', ''), '.', '');
CREATE MACRO attribute(attributes, name) AS coalesce(attributes[label_name(name)],
    attributes[list_filter(map_keys(attributes), lambda k: bare_name(k) = bare_name(name))[1]]);

-- What rows are grouped by under a name: all, split, site, view, sex, age_band, month, or any attribute in any spelling.
-- External rows are a group of their own in "all", and stand in no other but split and site.
CREATE MACRO group_value(name, split, site, view, sex, age_band, month, attributes) AS CASE bare_name(name)
    WHEN 'all' THEN CASE WHEN split = 'external' THEN 'external' ELSE 'all' END
    WHEN 'split' THEN split WHEN 'site' THEN site
    ELSE CASE WHEN split IS DISTINCT FROM 'external' THEN CASE bare_name(name) WHEN 'view' THEN view WHEN 'sex' THEN sex
        WHEN 'ageband' THEN age_band WHEN 'month' THEN month ELSE attribute(attributes, name) END END END;

-- What several labels of one thing come to: positive where any is, unknown where none is and any is unknown.
CREATE MACRO agreed_value(v) AS
    CASE WHEN max(v) = 1 THEN 1::TINYINT WHEN count(*) > count(v) THEN NULL ELSE 0::TINYINT END;

-- Years of age as a band; NULL below 0 and above 130.
CREATE MACRO age_band(age) AS CASE
    WHEN age < 0 OR age > 130 THEN NULL
    WHEN age < 18 THEN '0-17' WHEN age < 40 THEN '18-39' WHEN age < 60 THEN '40-59' WHEN age < 80 THEN '60-79'
    WHEN age >= 80 THEN '80+' END;

-- An age as it stands in a table, in years: "63", "063Y", and "85 or more" or "90+" as the bound; NULL above 125.
CREATE MACRO years_told(age) AS try_cast(regexp_extract(age,
    '^[> ]*(\d+(\.\d+)?) *(Y|\+|years?|(years )?(or|and) (more|over|older|above)|$)', 1, 'i') AS DOUBLE);
CREATE MACRO years_of(age) AS CASE WHEN years_told(age) <= 125 THEN years_told(age) END;

-- Attributes (a map from names in lower case) that mean the same under several names.
CREATE MACRO site_of(a) AS coalesce(a['site'], a['hospital'], a['institution'], a['institution name'], a['centre'],
    a['center'], a['department'], a['dataset']);
CREATE MACRO sex_of(a) AS coalesce(a['sex'], a['gender'], a['patient sex'], a['patient gender']);
CREATE MACRO plain_sex(sex) AS CASE
    WHEN lower(sex) IN ('f', 'female', 'woman') THEN 'F' WHEN lower(sex) IN ('m', 'male', 'man') THEN 'M'
    ELSE sex END;
CREATE MACRO age_of(a) AS years_of(coalesce(a['age'], a['patient age'], a['anchor age']));
-- The view by its usual names: PA, AP, frontal (one of the two), lateral or other; NULL for anything else.
CREATE MACRO plain_view(said) AS MAP {
    'pa': 'PA', 'posteroanterior': 'PA', 'postero anterior': 'PA', 'posterior anterior': 'PA', 'pa erect': 'PA',
    'ap': 'AP', 'anteroposterior': 'AP', 'antero posterior': 'AP', 'anterior posterior': 'AP', 'ap supine': 'AP',
    'ap erect': 'AP', 'ap horizontal': 'AP', 'ap portable': 'AP', 'portable ap': 'AP', 'frontal': 'frontal',
    'lateral': 'lateral', 'lat': 'lateral', 'l': 'lateral', 'll': 'lateral', 'rl': 'lateral', 'left lateral': 'lateral',
    'right lateral': 'lateral', 'other': 'other', 'oblique': 'other', 'lld': 'other', 'rld': 'other', 'ap axial': 'other'
    }[trim(regexp_replace(lower(said), '[^a-z]+', ' ', 'g'))];
CREATE MACRO view_of(a) AS plain_view(coalesce(a['view'], a['view position'], a['viewposition'], a['ap/pa'],
    a['projection'], a['frontal/lateral']));

-- The year and month of a date among attributes: 2020-03-31, 20200331 or 31.03.2020 is "2020-03".
CREATE MACRO month_of(a) AS strftime(coalesce(
    try_strptime(coalesce(a['study date'], a['studydate'], a['date'], a['acquired'], a['acquisition date']),
        ['%Y-%m-%d', '%Y%m%d', '%Y/%m/%d', '%d.%m.%Y', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m', '%Y%m'])
    ), '%Y-%m');
