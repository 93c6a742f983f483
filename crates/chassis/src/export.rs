//! Exporting rows as files for spreadsheets and scripts.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use csv::WriterBuilder;
use futures::stream;
use serde::Serialize;
use sunbeon_domain::Coded;

use crate::{ApiResult, OrFail};

/// A row of an exported file. JSON lines contain its serialized form.
pub trait ExportRow: Serialize + Send + 'static {
    /// The names of the CSV columns.
    const COLUMNS: &'static [&'static str];

    /// Returns the CSV fields, one per column.
    fn fields(&self) -> Vec<String>;
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// CSV (RFC 4180) with a header line. An apostrophe is put in front of texts that a spreadsheet
    /// would take for a formula.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl Export {
    /// Streams a file of all rows, reading page by page: `read` returns the rows after a given one,
    /// or the first rows, and nothing at the end. If a later page cannot be read, the connection is
    /// cut, so that a truncated file is not mistaken for a complete one.
    ///
    /// # Errors
    /// If the first page cannot be read.
    pub async fn file<R: ExportRow, E: Coded, Page>(
        self,
        name: &str,
        read: impl Fn(Option<&R>) -> Page + Send + 'static,
    ) -> ApiResult<Response>
    where
        Page: Future<Output = Result<Vec<R>, E>> + Send + 'static,
    {
        let first = read(None).await.or_fail()?;
        let pages = stream::try_unfold(Some((first, true)), move |page| {
            let last = page.as_ref().and_then(|(rows, _)| rows.last());
            let next = last.map(|last| read(Some(last)));
            async move {
                let Some((rows, is_first)) = page else {
                    return anyhow::Ok(None);
                };
                let bytes = self.write(&rows, is_first)?;
                let next = match next {
                    Some(next) => Some((next.await?, false)),
                    None => None,
                };
                Ok(Some((bytes, next)))
            }
        });
        let (content_type, extension) = match self {
            Self::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
            Self::JsonLines => ("application/jsonl", "jsonl"),
        };
        let attachment = format!("attachment; filename=\"{name}.{extension}\"");
        let headers = [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_DISPOSITION, attachment),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        Ok((headers, Body::from_stream(pages)).into_response())
    }
    fn write<R: ExportRow>(self, rows: &[R], is_first: bool) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Csv => csv(rows, is_first),
            Self::JsonLines => json_lines(rows),
        }
    }
}

fn csv<R: ExportRow>(rows: &[R], is_first: bool) -> anyhow::Result<Vec<u8>> {
    let mut lines = WriterBuilder::new().from_writer(Vec::new());
    if is_first {
        lines.write_record(R::COLUMNS)?;
    }
    for row in rows {
        lines.write_record(row.fields().into_iter().map(no_formula))?;
    }
    Ok(lines.into_inner()?)
}

fn json_lines<R: ExportRow>(rows: &[R]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Puts an apostrophe in front of a text that a spreadsheet would take for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn no_formula(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::body::to_bytes;
    use sunbeon_domain::Code;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed")]
    struct Failed;

    impl Coded for Failed {
        fn code(&self) -> Code {
            Code::DatabaseDown
        }
    }

    #[derive(Serialize)]
    struct Named {
        number: u32,
        name: &'static str,
    }

    impl ExportRow for Named {
        const COLUMNS: &'static [&'static str] = &["number", "name"];

        fn fields(&self) -> Vec<String> {
            vec![self.number.to_string(), self.name.to_owned()]
        }
    }

    /// Returns rows 1, 2, 3, … in pages of two; `None` is a page that fails.
    fn pages(names: &'static [Option<&'static str>]) -> impl Fn(Option<&Named>) -> Page {
        move |last| {
            let from = last.map_or(0, |last| last.number as usize);
            let numbered = names.iter().zip(1..).skip(from).take(2);
            let page = numbered.map(|(name, number)| {
                let name = name.ok_or(Failed)?;
                Ok(Named { number, name })
            });
            ready(page.collect())
        }
    }

    type Page = std::future::Ready<Result<Vec<Named>, Failed>>;

    async fn text(export: Export, names: &'static [Option<&'static str>]) -> String {
        let file = export.file("names", pages(names)).await.unwrap();
        let bytes = to_bytes(file.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_file_has_every_row_of_every_page() {
        let names = &[Some("a"), Some("b, \"c\""), Some("=1+1")];
        assert_eq!(
            text(Export::Csv, names).await,
            "number,name\n1,a\n2,\"b, \"\"c\"\"\"\n3,'=1+1\n"
        );
        assert_eq!(
            text(Export::JsonLines, names).await,
            "{\"number\":1,\"name\":\"a\"}\n{\"number\":2,\"name\":\"b, \\\"c\\\"\"}\n\
             {\"number\":3,\"name\":\"=1+1\"}\n"
        );
    }

    #[tokio::test]
    async fn an_empty_file_still_has_its_header() {
        assert_eq!(text(Export::Csv, &[]).await, "number,name\n");
        assert_eq!(text(Export::JsonLines, &[]).await, "");
    }

    #[tokio::test]
    async fn a_failing_first_page_is_an_error_answer_and_a_failing_later_page_cuts_the_file_short()
    {
        let none = Export::Csv.file("names", pages(&[None])).await;
        assert_eq!(none.unwrap_err().code(), Code::DatabaseDown);
        let failing = pages(&[Some("a"), Some("b"), None]);
        let cut = Export::Csv.file("names", failing).await.unwrap();
        assert!(to_bytes(cut.into_body(), usize::MAX).await.is_err());
    }
}
