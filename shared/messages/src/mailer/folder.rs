//! Into a folder, a file each, for who tries things on a laptop.

use std::path::{Path, PathBuf};

use domain::delivery::Outcome;

use super::{Mail, MailerError};

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) async fn open(path: &Path) -> Result<Self, MailerError> {
        let made = tokio::fs::create_dir_all(path).await;
        made.map_err(|cause| MailerError::Folder { folder: path.display().to_string(), cause })?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) async fn write(&self, mail: &Mail) -> Outcome {
        let (file, part) =
            (self.path.join(&mail.file_name), self.path.join(format!("{}.part", mail.file_name)));
        let written = async {
            // Whoever looks sees whole files only. The folder may have been removed meanwhile.
            tokio::fs::create_dir_all(&self.path).await?;
            tokio::fs::write(&part, mail.message.formatted()).await?;
            tokio::fs::rename(&part, &file).await
        };
        match written.await {
            Ok(()) => Outcome::Delivered(mail.file_name.clone()),
            Err(error) => Outcome::Failed(format!("{}: {error}", self.path.display())),
        }
    }
}
