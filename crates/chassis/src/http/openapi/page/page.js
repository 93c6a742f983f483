// Shows the document of this server with Swagger UI, without its top bar.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
window.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true });
