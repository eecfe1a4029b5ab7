"use strict";
// In the order of use.
const steps = ["register", "activate", "resend_code"];
const step = (operation) => steps.indexOf(operation.getIn(["operation", "operationId"]));

// Swagger UI has a dark theme of its own, switched on by this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const applyTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyTheme);
applyTheme();

SwaggerUIBundle({
  // Beside this page, whatever path a proxy has put in front of both.
  url: new URL("api/v1/openapi.json", location.href).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  operationsSorter: (one, other) => step(one) - step(other),
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
