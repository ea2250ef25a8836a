//! Lists that are too large for one file.

use super::*;

/// What a file has at most.
const FILE_BYTES_MAX: usize = 5_000_000;
/// What Lambda takes as an answer.
const LAMBDA_BYTES_MAX: usize = 6_291_556;

/// Events whose rows are as long as events can be.
async fn long_events(evently: &TestApp, count: usize, letter: &str) {
    let description = letter.repeat(5_000);
    let now = Timestamp::now();
    many_events(evently, count, |index, details| {
        details.starts_at = now + SignedDuration::from_hours(1 + i64::try_from(index).unwrap());
        details.name = format!("Concert {index}");
        details.description = Some(description.clone());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_ends_with_a_row_before_five_megabytes_and_leads_to_the_next() {
    let evently = TestApp::start().await;
    long_events(&evently, 600, "🎻").await;
    let files = files(&evently.admin(), "/admin/events?format=csv").await;
    let sizes: Vec<usize> = files.iter().map(|file| file.bytes.len()).collect();
    let largest = files.iter().flat_map(|file| content(file).split_inclusive("\r\n")).map(str::len).max();
    assert!(sizes.iter().all(|size| *size <= FILE_BYTES_MAX), "{sizes:?}");
    let (_, full) = sizes.split_last().unwrap();
    assert!(full.len() >= 2, "{sizes:?}");
    // On a slow machine the time may end some of them.
    assert!(full.iter().max().unwrap() + largest.unwrap() > FILE_BYTES_MAX, "{sizes:?} {largest:?}");
    let names: Vec<String> = files
        .iter()
        .flat_map(|file| rows_of(content(file)))
        .map(|row| {
            assert_eq!(row["description"].chars().count(), 5_000);
            row["name"].clone()
        })
        .collect();
    assert_eq!(names, (0..600).map(|index| format!("Concert {index}")).collect::<Vec<_>>());
    let first = next(&files[0]).unwrap();
    assert!(first.starts_with("/admin/events?format=csv&cursor="), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lambda_writes_longer_than_it_is_still_fits() {
    let evently = TestApp::start().await;
    long_events(&evently, 400, "\"").await;
    let (admin, mut path) = (evently.admin(), Some("/admin/events?format=csv&bom=1".to_owned()));
    let (mut sizes, mut names) = (Vec::new(), Vec::new());
    while let Some(asked) = path {
        let answer = by_lambda(&evently, &admin, &asked).await;
        sizes.push(answer.len());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
        let body = answer["body"].as_str().unwrap();
        assert_eq!(answer["headers"]["content-length"], body.len().to_string());
        names.extend(
            rows_of(body.strip_prefix(BYTE_ORDER_MARK).unwrap()).into_iter().map(|row| row["name"].clone()),
        );
        path = answer["headers"]["link"].as_str().map(|link| link[1..].split('>').next().unwrap().to_owned());
    }
    assert_eq!(names, (0..400).map(|index| format!("Concert {index}")).collect::<Vec<_>>());
    assert!(sizes.iter().any(|size| *size > 5_900_000), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < LAMBDA_BYTES_MAX), "{sizes:?}");
}
