//! The routes of a function, as it serves them and as the OpenAPI document describes them.

#[doc(hidden)]
pub use {axum, pastey, utoipa, utoipa_axum};

/// Declares a function's routes; in brackets the handlers of one path, each with its `#[utoipa::path]`.
///
/// What is served and what is described are made apart: a function that starts should not have to describe itself to
/// nobody, which was a fifth of all that it did then.
#[macro_export]
macro_rules! routes {
    ($([$($module:ident::$handler:ident),+]),+ $(,)?) => {
        /// The routes of this function.
        pub fn routes() -> $crate::http::routes::axum::Router<std::sync::Arc<$crate::App>> {
            use $crate::http::routes::{axum, utoipa::Path, utoipa_axum::PathItemExt};
            $crate::http::routes::pastey::paste! {
                axum::Router::new()$($(.route(
                    &$module::[<__path_ $handler>]::path(),
                    $module::[<__path_ $handler>]::methods()
                        .iter()
                        .fold(axum::routing::MethodRouter::new(), |router, method| {
                            router.on(method.to_method_filter(), $module::$handler)
                        }),
                ))+)+
            }
        }

        /// What the OpenAPI document says of them.
        pub fn document() -> $crate::http::routes::utoipa::openapi::OpenApi {
            use $crate::http::routes::utoipa_axum::{self, router::OpenApiRouter};
            OpenApiRouter::<std::sync::Arc<$crate::App>>::new()
                $(.routes(utoipa_axum::routes!($($module::$handler),+)))+
                .into_openapi()
        }
    };
}
