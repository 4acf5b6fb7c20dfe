//! AWS Regions and partitions, as far as names go.

use tripline::text::excerpt;

use crate::near::near;

/// The Regions that there are (AWS General Reference, and those of the other partitions).
const REGIONS: [&str; 46] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// What people call some of them.
const PLACES: [(&str, &str); 17] = [
    ("virginia", "us-east-1"),
    ("ohio", "us-east-2"),
    ("california", "us-west-1"),
    ("oregon", "us-west-2"),
    ("ireland", "eu-west-1"),
    ("london", "eu-west-2"),
    ("paris", "eu-west-3"),
    ("frankfurt", "eu-central-1"),
    ("zurich", "eu-central-2"),
    ("stockholm", "eu-north-1"),
    ("tokyo", "ap-northeast-1"),
    ("seoul", "ap-northeast-2"),
    ("singapore", "ap-southeast-1"),
    ("sydney", "ap-southeast-2"),
    ("mumbai", "ap-south-1"),
    ("beijing", "cn-north-1"),
    ("ningxia", "cn-northwest-1"),
];

/// How the Regions of a partition begin; all others are of `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

const DIRECTIONS: [&str; 9] = [
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
];

/// Whether a Region could have this name: an area, a direction and a digit from 1 on, such as `eu-west-1`.
/// AWS opens new ones.
pub(crate) fn could_be(region: &str) -> bool {
    let Some((rest, number)) = region.rsplit_once('-') else { return false };
    let Some((area, direction)) = rest.rsplit_once('-') else { return false };
    let is_number = matches!(number.as_bytes(), [b'1'..=b'9']);
    // Those of the European Sovereign Cloud go on with a country.
    let is_eu_sovereign = area.strip_prefix("eusc-").is_some_and(is_country);
    let begins = |(beginning, _): &(&str, &str)| beginning.trim_end_matches('-') == area;
    let is_of_partition = area != "eusc" && PARTITIONS.iter().any(begins);
    let is_area = is_country(area) || is_eu_sovereign || is_of_partition;
    is_number && DIRECTIONS.contains(&direction) && is_area
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a Region of this name is known.
pub(crate) fn is_known(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// What to do about a name that no Region has.
pub(crate) fn meant(name: &str) -> Option<String> {
    let lower = name.trim().to_lowercase().replace(['_', ' '], "-");
    let place = PLACES.iter().find(|(place, _)| lower.contains(place)).map(|(_, region)| *region);
    // `us-east-1a` is an availability zone of `us-east-1`.
    let known = || REGIONS.into_iter().find(|known| lower.starts_with(known));
    let begun = || REGIONS.into_iter().find(|known| !lower.is_empty() && known.starts_with(&lower));
    let near = place.or_else(known).or_else(begun).or_else(|| near(&lower, &REGIONS))?;
    Some(format!("did you mean `{near}`?"))
}

/// The partition that a Region is in.
pub(crate) fn partition_of(region: &str) -> &'static str {
    let is = |(beginning, _): &&(&str, &str)| region.starts_with(beginning);
    PARTITIONS.iter().find(is).map_or("aws", |(_, partition)| partition)
}

/// What is wrong with an ARN's partition, if it is not that of the Region.
pub(crate) fn wrong_partition(partition: &str, region: &str) -> Option<String> {
    let expected = partition_of(region);
    (partition != expected).then(|| {
        format!(
            "partition `{}` does not fit Region `{}` (expected `{expected}`)",
            excerpt(partition),
            excerpt(region)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_could_be() {
        for region in REGIONS {
            assert!(could_be(region) && is_known(region), "{region}");
        }
        for new in ["us-east-9", "nz-south-1", "eusc-fr-west-1", "us-gov-central-1"] {
            assert!(could_be(new) && !is_known(new), "{new}");
        }
        for not in [
            "",
            "us-east",
            "us-east1",
            "us-east-0",
            "us-east-12",
            "us-east-1a",
            "US-EAST-1",
            "us-esat-1",
            "europe-west-1",
            "us_east_1",
            "east-1",
            "-east-1",
            "us-gov-1",
            "us--east-1",
            "eusc-east-1",
        ] {
            assert!(!could_be(not), "{not}");
        }
    }

    #[test]
    fn what_was_meant_is_found() {
        for (name, region) in [
            ("us-esat-1", "us-east-1"),
            ("US_EAST_1", "us-east-1"),
            ("us-east-1a", "us-east-1"),
            ("us-east", "us-east-1"),
            ("eu-cental-1", "eu-central-1"),
            ("usgov-west-1", "us-gov-west-1"),
            ("EU (Frankfurt)", "eu-central-1"),
            ("N. Virginia", "us-east-1"),
        ] {
            assert_eq!(meant(name), Some(format!("did you mean `{region}`?")), "{name}");
        }
        for nothing in ["", "mars", "<region>"] {
            assert_eq!(meant(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_region_has_one_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-central-1", "aws"),
        ] {
            assert_eq!(partition_of(region), partition);
            assert_eq!(wrong_partition(partition, region), None);
        }
        assert_eq!(
            wrong_partition("aws", "cn-north-1").as_deref(),
            Some("partition `aws` does not fit Region `cn-north-1` (expected `aws-cn`)")
        );
    }
}
