//! The routes of a function, as it serves them and as the OpenAPI document describes them.

#[doc(hidden)]
pub use {pastey, utoipa, utoipa_axum};

use axum::{Router, handler::Handler, middleware, routing::MethodRouter};
use utoipa::{Path, openapi::HttpMethod};
use utoipa_axum::PathItemExt;

use crate::limit::{Counted, limit};

/// Declares a function's routes; in brackets the handlers of one path, each with its `#[utoipa::path]`, and how its requests
/// are [`Counted`], if not by their method alone; `with query` after those that take one. The app is that of the function's ring.
///
/// ```text
/// http_api::routes![
///     App:
///     [list::list_reservations with query],
///     [look::get_reservation, release::release = Counted::FINISH],
///     [confirm::confirm = Counted::FINISH.by_handler()],
/// ];
/// ```
///
/// What is served and what is described are made apart: a function that starts should not have to describe itself to
/// nobody, which was a fifth of all that it did then.
#[macro_export]
macro_rules! routes {
    ($app:ty: $([$($module:ident::$handler:ident $(with $query:ident)? $(= $counted:expr)?),+]),+ $(,)?) => {
        /// The routes of this function.
        pub fn routes() -> axum::Router<std::sync::Arc<$app>> {
            let router = axum::Router::new();
            $crate::routes::pastey::paste! {
                $($(
                    let counted = None$(.or(Some($counted)))?;
                    let query: Option<&str> = None$(.or(Some(stringify!($query))))?;
                    let router = $crate::routes::serve::<$module::[<__path_ $handler>], _, _, _>(
                        router, $module::$handler, counted, query.is_some(),
                    );
                )+)+
            }
            router
        }

        /// What the OpenAPI document says of them.
        pub fn document() -> $crate::routes::utoipa::openapi::OpenApi {
            use $crate::routes::utoipa_axum::{self, router::OpenApiRouter};
            OpenApiRouter::<std::sync::Arc<$app>>::new()
                $(.routes(utoipa_axum::routes!($($module::$handler),+)))+
                .into_openapi()
        }
    };
}

/// Adds a route, as its `#[utoipa::path]` `P` says.
#[doc(hidden)]
pub fn serve<P, H, T, S>(
    router: Router<S>,
    handler: H,
    counted: Option<Counted>,
    takes_query: bool,
) -> Router<S>
where
    P: Path,
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    let methods = P::methods();
    let is_read = methods.iter().all(|method| *method == HttpMethod::Get);
    let counted = counted.unwrap_or(if is_read { Counted::READ } else { Counted::WRITE });
    let counted = counted.with_query(takes_query);
    let served = methods
        .iter()
        .fold(MethodRouter::new(), |router, method| router.on(method.to_method_filter(), handler.clone()));
    router.route(&P::path(), served.route_layer(middleware::from_fn_with_state(counted, limit)))
}

/// Methods of a path whose requests are counted like that, for what the document does not describe: pages. Their links may
/// carry any parameters, as those of advertisements do.
pub fn counted<S: Clone + Send + Sync + 'static>(
    methods: MethodRouter<S>,
    counted: Counted,
) -> MethodRouter<S> {
    methods.route_layer(middleware::from_fn_with_state(counted.with_query(true), limit))
}
