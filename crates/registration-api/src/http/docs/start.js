"use strict";
// In the order in which they are used.
const steps = ["register", "activate", "resend_code"];
const step = (operation) => steps.indexOf(operation.getIn(["operation", "operationId"]));
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  operationsSorter: (one, other) => step(one) - step(other),
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
