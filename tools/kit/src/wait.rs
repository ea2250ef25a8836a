//! Waits until something is there.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Asks until the answer is yes; `false` if it never was within that time.
///
/// # Errors
/// When asking fails, which is the end of it.
pub async fn until<E, F>(
    within: Duration,
    ask_again_after: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<bool, E>
where
    F: Future<Output = Result<bool, E>>,
{
    let deadline = Instant::now() + within;
    while !ask().await? {
        if Instant::now() > deadline {
            return Ok(false);
        }
        sleep(ask_again_after).await;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn it_ends_with_a_yes_a_failure_or_the_time() {
        let mut asked = 0;
        let third = until(Duration::from_secs(60), SHORT, || {
            asked += 1;
            ready(Ok::<_, ()>(asked == 3))
        });
        assert_eq!((third.await, asked), (Ok(true), 3));
        assert_eq!(until(Duration::from_secs(60), SHORT, || ready(Err("gone"))).await, Err("gone"));
        assert_eq!(until(SHORT, SHORT, || ready(Ok::<_, ()>(false))).await, Ok(false));
    }
}
