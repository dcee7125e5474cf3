export { createGateway, type Gateway, type GatewayInit } from './gateway.ts'
